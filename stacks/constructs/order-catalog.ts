import { Catalog } from "@cdktf/provider-databricks/lib/catalog/index.js";
import { File } from "@cdktf/provider-databricks/lib/file/index.js";
import { Schema } from "@cdktf/provider-databricks/lib/schema/index.js";
import { Volume } from "@cdktf/provider-databricks/lib/volume/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import type { GovernedStorage } from "./governed-storage.ts";

/** Properties for {@link OrderCatalog}. */
export interface OrderCatalogProps {
  readonly environment: Environment;
  readonly storage: GovernedStorage;
}

/**
 * The catalog and schemas that the job creates its tables in, and the volume that clients write their files to.
 *
 * Two schemas, since the job makes the tables: what does not exist before its first run cannot be granted one by one.
 */
export class OrderCatalog extends Construct {
  readonly catalog: Catalog;
  /** Of the orders and the volume. */
  readonly schema: Schema;
  /** Of rejected rows, of runs, and of what is on its way. */
  readonly operationsSchema: Schema;
  readonly volume: Volume;
  /** Of what is under way; the pipeline trusts what it finds there. */
  readonly checkpoint: Volume;

  constructor(scope: Construct, id: string, { environment, storage }: OrderCatalogProps) {
    super(scope, id);
    const lifecycle = { preventDestroy: !environment.disposable };
    const owner = environment.ownerGroup;

    this.catalog = new Catalog(this, "catalog", {
      name: names.catalog(environment),
      owner,
      // Spelled out, since new metastores have no storage of their own.
      storageRoot: names.catalogStorageRoot(environment),
      isolationMode: "ISOLATED",
      // Most accounts have it on, and schemas inherit it: serverless compute that is billed, also where nothing is to start
      // by itself, for what the upkeep job does every night.
      enablePredictiveOptimization: "DISABLE",
      forceDestroy: environment.disposable,
      comment: "Where is my order? Tables and files of order tracking",
      // The storage root must lie in a location that exists; its url alone makes no edge.
      dependsOn: [storage.managed],
      lifecycle,
    });

    const ofTables = { catalogName: this.catalog.name, owner, forceDestroy: environment.disposable, lifecycle };
    this.schema = new Schema(this, "schema", { ...ofTables, name: names.SCHEMA });
    this.operationsSchema = new Schema(this, "operations-schema", { ...ofTables, name: names.OPERATIONS_SCHEMA });

    this.volume = new Volume(this, "volume", {
      catalogName: this.catalog.name,
      schemaName: this.schema.name,
      name: names.VOLUME,
      owner,
      volumeType: "EXTERNAL",
      storageLocation: names.volumeStorageLocation(environment),
      comment: "Clients write to file_arrival/; the job moves files on to archive/ or rejected/",
      dependsOn: [storage.eventSource],
      lifecycle,
    });

    // A managed one: its files lie where the tables do, and no location or role of a client leads there.
    this.checkpoint = new Volume(this, "checkpoint", {
      catalogName: this.catalog.name,
      schemaName: this.operationsSchema.name,
      name: names.CHECKPOINT_VOLUME,
      owner,
      volumeType: "MANAGED",
      comment: "What the job has under way; nobody else writes here",
      lifecycle,
    });

    // A trigger and clients need the landing directory before the job's first run, which makes the other two.
    // The job skips hidden files. See docs/decisions/landing-directory.md.
    new File(this, "landing-directory", {
      path: `${names.landingDirectory(environment)}.keep`,
      contentBase64: Buffer.from("Keeps this directory. Put order files beside it.\n").toString("base64"),
      dependsOn: [this.volume],
    });
  }
}
