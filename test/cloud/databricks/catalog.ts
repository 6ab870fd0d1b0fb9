/** Unity Catalog: credentials, locations, catalogs, schemas and volumes, and who may do what with them. */
import { z } from "zod";
import type { Principal } from "../account.ts";
import type { Arm } from "../azure/arm.ts";
import { guidOf } from "../azure/databricks.ts";
import type { Roles } from "../azure/roles.ts";
import { bodyOf, type Call, Refusal, reply, type Route, without } from "../http.ts";
import type { Table } from "../store.ts";
import { denied, inAzureAs, invalid, notFound, type Workspace, type Workspaces } from "./workspace.ts";

/** The one metastore of all workspaces. */
export const METASTORE_ID = "3e7a5c00-0000-4000-8000-000000000001";

/** What people and Terraform make through the interface. */
type Declared = "storage_credential" | "external_location" | "catalog" | "schema" | "volume";
/** Tables and views are made by what runs on compute. */
type Securable = Declared | "table";

interface Entry {
  readonly owner: string;
  readonly isolation_mode?: string;
  readonly [field: string]: unknown;
}

/** A volume, and where its files are in the lake: account, container and directory. */
export interface Volume {
  readonly fullName: string;
  readonly isManaged: boolean;
  readonly root: string;
}

const name = z.string().regex(/^[^\s./\p{Cc}]{1,255}$/u, { error: "no spaces, points, slashes or control characters" });
const comment = z.string().optional();
const owner = z.string().optional();
const force = z.boolean().optional();
const locationMode = z.enum(["ISOLATION_MODE_OPEN", "ISOLATION_MODE_ISOLATED"]).optional();

const credentialBody = z.strictObject({
  name,
  comment,
  read_only: z.boolean().optional(),
  skip_validation: z.boolean().optional(),
  azure_managed_identity: z.strictObject({
    access_connector_id: z.string(),
    managed_identity_id: z.string().optional(),
    credential_id: z.string().optional(),
  }),
});
const changes = { owner, comment, force, new_name: name.optional(), skip_validation: z.boolean().optional() };
const credentialChanges = credentialBody.partial().extend({ ...changes, isolation_mode: locationMode });
const queue = z.strictObject({
  managed_aqs: z.strictObject({ resource_group: z.string(), subscription_id: z.string() }).optional(),
  provided_aqs: z.strictObject({ queue_url: z.string() }).optional(),
});
const locationBody = z.strictObject({
  name,
  url: z.string(),
  credential_name: z.string(),
  comment,
  read_only: z.boolean().optional(),
  fallback: z.boolean().optional(),
  skip_validation: z.boolean().optional(),
  enable_file_events: z.boolean().optional(),
  file_event_queue: queue.optional(),
});
const locationChanges = locationBody.partial().extend({ ...changes, isolation_mode: locationMode });
const catalogMode = z.enum(["OPEN", "ISOLATED"]).optional();
const catalogBody = z.strictObject({
  name,
  comment,
  storage_root: z.string().optional(),
  properties: z.record(z.string(), z.string()).optional(),
  options: z.record(z.string(), z.string()).optional(),
});
const catalogChanges = z.strictObject({
  ...changes,
  name: name.optional(),
  isolation_mode: catalogMode,
  properties: z.record(z.string(), z.string()).optional(),
  enable_predictive_optimization: z.enum(["ENABLE", "DISABLE", "INHERIT"]).optional(),
});
const schemaBody = z.strictObject({
  name,
  catalog_name: z.string(),
  comment,
  storage_root: z.string().optional(),
  properties: z.record(z.string(), z.string()).optional(),
});
const schemaChanges = catalogChanges.omit({ isolation_mode: true });
const volumeBody = z.strictObject({
  name,
  catalog_name: z.string(),
  schema_name: z.string(),
  volume_type: z.enum(["EXTERNAL", "MANAGED"]),
  storage_location: z.string().optional(),
  comment,
});
const volumeChanges = z.strictObject({ ...changes, name: name.optional() });

/** What can be granted on what: https://learn.microsoft.com/azure/databricks/data-governance/unity-catalog/manage-privileges/privileges */
const PRIVILEGES: Readonly<Record<string, readonly string[]>> = {
  volume: ["READ_VOLUME", "WRITE_VOLUME"],
  table: ["SELECT", "MODIFY"],
};
const OF_SCHEMA = [
  ...["USE_SCHEMA", "CREATE_TABLE", "CREATE_FUNCTION", "CREATE_VOLUME", "CREATE_MODEL", "CREATE_MATERIALIZED_VIEW"],
  ...["EXECUTE", "REFRESH", "EXTERNAL_USE_SCHEMA", ...Object.values(PRIVILEGES).flat()],
];
const OF_EVERYTHING = ["ALL_PRIVILEGES", "MANAGE", "APPLY_TAG"];
const GRANTABLE: Readonly<Record<string, readonly string[]>> = {
  catalog: ["USE_CATALOG", "CREATE_SCHEMA", "BROWSE", ...OF_SCHEMA, ...OF_EVERYTHING],
  schema: [...OF_SCHEMA, ...OF_EVERYTHING],
  volume: [...(PRIVILEGES.volume ?? []), ...OF_EVERYTHING],
  "external-location": [
    ...["READ_FILES", "WRITE_FILES", "CREATE_EXTERNAL_TABLE", "CREATE_EXTERNAL_VOLUME", "CREATE_MANAGED_STORAGE"],
    ...["BROWSE", ...OF_EVERYTHING],
  ],
  "storage-credential": [
    "READ_FILES",
    "WRITE_FILES",
    "CREATE_EXTERNAL_LOCATION",
    "CREATE_EXTERNAL_TABLE",
    ...OF_EVERYTHING,
  ],
};
const grantChanges = z.strictObject({
  changes: z.array(
    z.strictObject({
      principal: z.string(),
      add: z.array(z.string()).nullish(),
      remove: z.array(z.string()).nullish(),
    }),
  ),
});

/** What somebody who does not own it needs to look at it. An administrator of the metastore would need nothing. */
const TO_LOOK_AT: Readonly<Record<Declared, string>> = {
  storage_credential: "READ_FILES",
  external_location: "READ_FILES",
  catalog: "USE_CATALOG",
  schema: "USE_SCHEMA",
  volume: "READ_VOLUME",
};

/** A url of files in the lake, taken apart. */
function parseUrl(url: string) {
  const match = /^abfss:\/\/([a-z0-9-]+)@([a-z0-9]+)\.dfs\.core\.windows\.net\/(.*)$/.exec(url);
  if (!match) throw invalid(`${url} is no url of files in Azure Data Lake`);
  const [, container = "", account = "", directory = ""] = match;
  return { container, account, directory: directory.replace(/\/+$/, "") };
}

function asVolume(fullName: string, entry: Entry): Volume {
  const { account, container, directory } = parseUrl(String(entry.storage_location));
  return {
    fullName,
    isManaged: entry.volume_type === "MANAGED",
    root: [account, container, directory].filter(Boolean).join("/"),
  };
}

const asDirectory = (url: string) => `${url.replace(/\/+$/, "")}/`;
const overlap = (one: string, other: string) =>
  asDirectory(one).startsWith(asDirectory(other)) || asDirectory(other).startsWith(asDirectory(one));

export class UnityCatalog {
  readonly #workspaces: Workspaces;
  readonly #arm: Arm;
  readonly #roles: Roles;

  constructor(workspaces: Workspaces, arm: Arm, roles: Roles) {
    this.#workspaces = workspaces;
    this.#arm = arm;
    this.#roles = roles;
  }

  routes(): readonly Route[] {
    const api = "/api/2.1/unity-catalog";
    return [
      ...this.#securableRoutes(`${api}/storage-credentials`, "storage_credential", credentialBody, credentialChanges),
      ...this.#securableRoutes(`${api}/external-locations`, "external_location", locationBody, locationChanges),
      ...this.#securableRoutes(`${api}/catalogs`, "catalog", catalogBody, catalogChanges),
      ...this.#securableRoutes(`${api}/schemas`, "schema", schemaBody, schemaChanges),
      ...this.#securableRoutes(`${api}/volumes`, "volume", volumeBody, volumeChanges),
      ...this.#workspaces.routes({
        [`GET ${api}/permissions/{type}/{name}`]: (workspace, { params, query }) => {
          this.#needSecurable(workspace, params);
          const wanted = query.get("principal");
          const all = this.#grantsOf(workspace, params);
          return reply(200, {
            privilege_assignments: all.filter(({ principal }) => wanted === null || wanted === principal),
          });
        },
        [`PATCH ${api}/permissions/{type}/{name}`]: (workspace, call, caller) => {
          const entry = this.#needSecurable(workspace, call.params);
          needOwner(entry, caller, call.params.name ?? "");
          return reply(200, { privilege_assignments: this.#grant(workspace, call) });
        },
        [`GET ${api}/bindings/{type}/{name}`]: (workspace, { params }) =>
          reply(200, { bindings: this.#bindings(workspace, params).map(shownBinding) }),
        [`PATCH ${api}/workspace-bindings/catalogs/{name}`]: (workspace, call) => {
          const numbers = z.array(z.int()).nullish();
          const body = bodyOf(call, z.strictObject({ assign_workspaces: numbers, unassign_workspaces: numbers }));
          const params = { ...call.params, type: "catalog" };
          return reply(
            200,
            this.#bind(workspace, params, body.assign_workspaces ?? [], body.unassign_workspaces ?? []),
          );
        },
        [`PATCH ${api}/bindings/{type}/{name}`]: (workspace, call) => {
          const body = bodyOf(
            call,
            z.strictObject({ add: z.array(binding).nullish(), remove: z.array(binding).nullish() }),
          );
          const ids = (list: typeof body.add) => (list ?? []).map(({ workspace_id: id }) => id);
          return reply(200, this.#bind(workspace, call.params, ids(body.add), ids(body.remove)));
        },
      }),
    ];
  }

  /** The volume that a path is in, and the file in the lake that it shows there. */
  volumeAt(workspace: Workspace, path: string): { readonly volume: Volume; readonly file: string } {
    const [, root, catalog, schema, name, ...rest] = path.split("/");
    const fullName = `${catalog}.${schema}.${name}`;
    const entry = this.#table(workspace, "volume").get(fullName);
    if (root !== "Volumes" || !entry) throw notFound(`Volume '${fullName}'`);
    const volume = asVolume(fullName, entry);
    return { volume, file: [volume.root, ...rest].filter(Boolean).join("/") };
  }

  volumesOf(workspace: Workspace, catalog: string): readonly Volume[] {
    const volumes = this.#table(workspace, "volume");
    return volumes.names().flatMap((fullName) => {
      const entry = volumes.get(fullName);
      return entry && fullName.startsWith(`${catalog}.`) ? [asVolume(fullName, entry)] : [];
    });
  }

  /** Full names of tables and views. */
  tablesOf(workspace: Workspace, catalog: string): readonly string[] {
    return this.#table(workspace, "table")
      .names()
      .filter((each) => each.startsWith(`${catalog}.`));
  }

  /** Remembers a table or a view that a run has made; whoever makes one owns it. */
  addTable(workspace: Workspace, fullName: string, { name: owner }: Principal): void {
    this.#table(workspace, "table").set(fullName, { owner });
  }

  dropTable(workspace: Workspace, fullName: string): void {
    this.#table(workspace, "table").delete(fullName);
  }

  /**
   * Holds somebody to what was granted, on the object and on the way there.
   *
   * @throws Refusal with the privilege that is missing
   */
  need(workspace: Workspace, caller: Principal, privilege: string, type: Securable, fullName: string): void {
    const [catalog = "", schema = ""] = fullName.split(".");
    const needed = [
      ["USE_CATALOG", "catalog", catalog],
      ["USE_SCHEMA", "schema", `${catalog}.${schema}`],
      [privilege, type, fullName],
    ] as const;
    for (const [each, of, name] of needed) {
      if (!this.may(workspace, caller, each, of, name)) throw denied(`${caller.name} lacks ${each} on ${name}`);
    }
  }

  /** Whether somebody may do something with a securable, as its owner or because it was granted. */
  may(workspace: Workspace, caller: Principal, privilege: string, type: Securable, fullName: string): boolean {
    const entry = this.#table(workspace, type).get(fullName);
    if (!entry) return false;
    const names = [caller.name, ...caller.memberOf];
    if (names.includes(entry.owner)) return true;
    const above = fullName.split(".").map((_, i, parts) => parts.slice(0, i + 1).join("."));
    const types = ["catalog", "schema", type];
    return above.some((each, i) =>
      this.#grantsOf(workspace, { type: types[i] ?? "", name: each }).some(
        ({ principal, privileges }) => names.includes(principal) && privileges.includes(privilege),
      ),
    );
  }

  #securableRoutes(path: string, type: Declared, body: z.ZodType, change: z.ZodType): readonly Route[] {
    const keyOf = (given: Readonly<Record<string, unknown>>) =>
      [given.catalog_name, given.schema_name, given.name].filter(Boolean).map(String).join(".");
    return this.#workspaces.routes({
      [`POST ${path}`]: (workspace, call, caller) => {
        const given = bodyOf(call, body) as Entry & { readonly name: string };
        const key = keyOf(given).toLowerCase();
        const table = this.#table(workspace, type);
        needTokenForConnector(workspace, call, caller, given);
        if (table.has(key)) throw new Refusal(409, `${type.toUpperCase()}_ALREADY_EXISTS`, `'${key}' already exists`);
        this.#check(workspace, type, given, caller);
        const entry = { ...this.#filled(workspace, type, key, given), owner: caller.name, created_by: caller.name };
        table.set(key, entry);
        // Each catalog comes with a schema that nobody asked for.
        if (type === "catalog") this.#addDefaultSchema(workspace, key, caller);
        return reply(200, entry);
      },
      [`GET ${path}`]: (workspace, { query }, caller) => {
        const parent = [query.get("catalog_name"), query.get("schema_name")].filter(Boolean).join(".");
        const entries = this.#table(workspace, type)
          .names()
          .filter((key) => parent === "" || key.startsWith(`${parent}.`))
          .filter((key) => this.#isVisible(workspace, type, key))
          .filter((key) => this.may(workspace, caller, TO_LOOK_AT[type], type, key))
          .map((key) => this.#visible(workspace, type, key));
        return reply(200, { [path.split("/").at(-1)?.replace("-", "_") ?? ""]: entries });
      },
      [`GET ${path}/{name}`]: (workspace, { params: { name: key = "" } }, caller) => {
        const entry = this.#visible(workspace, type, key);
        if (!this.may(workspace, caller, TO_LOOK_AT[type], type, key)) {
          throw denied(`${caller.name} neither owns ${key} nor has ${TO_LOOK_AT[type]} on it`);
        }
        return reply(200, entry);
      },
      [`PATCH ${path}/{name}`]: (workspace, call, caller) => {
        const key = call.params.name ?? "";
        const entry = this.#visible(workspace, type, key);
        needOwner(entry, caller, key);
        const asked = bodyOf(call, change) as Entry;
        const given = without(asked, "force", "skip_validation", "new_name") as Partial<Entry>;
        needTokenForConnector(workspace, call, caller, given);
        if (asked.new_name !== undefined && asked.new_name !== entry.name)
          throw invalid("names of what is in use stay");
        if (given.owner !== undefined && !workspace.account.named(given.owner)) {
          throw new Refusal(404, "PRINCIPAL_DOES_NOT_EXIST", `Could not find principal with name ${given.owner}`);
        }
        const changed = { ...entry, ...given };
        if (type === "external_location")
          this.#checkLocation(workspace, changed as unknown as z.output<typeof locationBody>);
        if (type === "storage_credential") this.#checkCredential(changed as unknown as z.output<typeof credentialBody>);
        this.#table(workspace, type).set(key, changed);
        // What is isolated is at first for the workspace that isolated it.
        if (given.isolation_mode?.endsWith("ISOLATED")) {
          this.#bindings(workspace, { type, name: key }).push(workspace.id);
        }
        return reply(200, changed);
      },
      [`DELETE ${path}/{name}`]: (workspace, { params, query }, caller) => {
        const key = params.name ?? "";
        const entry = this.#visible(workspace, type, key);
        needOwner(entry, caller, key);
        this.#refuseIfNotEmpty(workspace, type, key, entry, query.get("force") === "true");
        forgetSecurable((name) => workspace.shared(name), type, key);
        return reply(200, {});
      },
    });
  }

  #table(workspace: Workspace, type: Securable) {
    return workspace.shared<Entry>(`unity catalog ${type}`);
  }

  /** An entry that the workspace may see. */
  #visible(workspace: Workspace, type: Securable, key: string): Entry {
    const entry = this.#table(workspace, type).get(key);
    if (!entry) throw notFound(`${type.replace("_", " ")} '${key}'`);
    if (!this.#isVisible(workspace, type, key)) {
      throw denied(`${type} ${key} is not accessible in the workspace ${workspace.id}`);
    }
    return entry;
  }

  /** What is isolated is there only for the workspaces that it is bound to. */
  #isVisible(workspace: Workspace, type: Securable, key: string): boolean {
    const isIsolated = this.#table(workspace, type).get(key)?.isolation_mode?.endsWith("ISOLATED");
    return isIsolated !== true || this.#bindings(workspace, { type, name: key }).includes(workspace.id);
  }

  #filled(
    workspace: Workspace,
    type: Declared,
    key: string,
    given: Readonly<Record<string, unknown>>,
  ): Omit<Entry, "owner"> {
    const now = Date.now();
    const common = {
      ...without(given, "skip_validation"),
      name: String(given.name).toLowerCase(),
      metastore_id: METASTORE_ID,
      created_at: now,
      updated_at: now,
    };
    const id = guidOf(`${type} ${key} ${now}`);
    switch (type) {
      case "storage_credential":
        return {
          ...common,
          id,
          full_name: key,
          read_only: given.read_only ?? false,
          used_for_managed_storage: false,
          isolation_mode: "ISOLATION_MODE_OPEN",
          azure_managed_identity: { ...(given.azure_managed_identity as object), credential_id: id },
        };
      case "external_location":
        return {
          ...common,
          read_only: given.read_only ?? false,
          fallback: given.fallback ?? false,
          // The service turns file events on by itself.
          enable_file_events: given.enable_file_events ?? true,
          isolation_mode: "ISOLATION_MODE_OPEN",
          credential_id: guidOf(String(given.credential_name)),
          browse_only: false,
        };
      case "catalog":
        return {
          ...common,
          id,
          full_name: key,
          catalog_type: "MANAGED_CATALOG",
          isolation_mode: "OPEN",
          securable_type: "CATALOG",
          securable_kind: "CATALOG_STANDARD",
          enable_predictive_optimization: "INHERIT",
          effective_predictive_optimization_flag: {
            value: "ENABLE",
            inherited_from_type: "METASTORE",
            inherited_from_name: "metastore",
          },
          storage_location: `${String(given.storage_root)}/__unitystorage/catalogs/${id}`,
        };
      case "schema":
        return {
          ...common,
          full_name: key,
          schema_id: id,
          catalog_type: "MANAGED_CATALOG",
          enable_predictive_optimization: "INHERIT",
          effective_predictive_optimization_flag: {
            value: "ENABLE",
            inherited_from_type: "METASTORE",
            inherited_from_name: "metastore",
          },
        };
      case "volume":
        return {
          ...common,
          full_name: key,
          volume_id: id,
          // Managed ones lie where the catalog does; the others come back without the slash at the end.
          storage_location:
            given.volume_type === "MANAGED"
              ? `${String(this.#visible(workspace, "catalog", String(given.catalog_name)).storage_location)}/volumes/${id}`
              : String(given.storage_location).replace(/\/+$/, ""),
        };
    }
  }

  #check(workspace: Workspace, type: Declared, given: Entry, caller: Principal): void {
    switch (type) {
      case "storage_credential":
        this.#checkCredential(given as unknown as z.output<typeof credentialBody>);
        return;
      case "external_location":
        this.#checkLocation(workspace, given as unknown as z.output<typeof locationBody>);
        return;
      case "catalog":
        this.#checkStorageRoot(workspace, given.storage_root as string | undefined);
        return;
      case "schema": {
        const catalog = this.#visible(workspace, "catalog", String(given.catalog_name));
        if (!this.may(workspace, caller, "CREATE_SCHEMA", "catalog", String(catalog.name))) {
          throw denied(`${caller.name} may not create schemas in ${String(catalog.name)}`);
        }
        return;
      }
      case "volume":
        this.#checkVolume(workspace, given as unknown as z.output<typeof volumeBody>, caller);
    }
  }

  #checkCredential({ azure_managed_identity: { access_connector_id: id } }: z.output<typeof credentialBody>): void {
    const connector = this.#arm.get(id);
    if (!connector) throw invalid(`the access connector ${id} does not exist`);
  }

  #checkLocation(workspace: Workspace, given: z.output<typeof locationBody>): void {
    const { account, container } = parseUrl(given.url);
    const credential = this.#visible(workspace, "storage_credential", given.credential_name);
    const lake = this.#arm.ofType("Microsoft.Storage/storageAccounts").find((each) => each.name === account);
    const id = `${String(lake?.id)}/blobServices/default/containers/${container}`;
    if (!lake || !this.#arm.get(id)) throw invalid(`there is no container ${container} in ${account}`);
    if (lake.properties.isHnsEnabled !== true) throw invalid(`${account} has no hierarchical namespace`);
    const { access_connector_id: connectorId } = credential.azure_managed_identity as {
      access_connector_id: string;
    };
    this.#checkWayToLake(lake.properties, connectorId, account);
    const principalId =
      (this.#arm.get(connectorId)?.identity as { principalId?: string } | undefined)?.principalId ?? "";
    const need = (role: string, on: string) => {
      if (this.#roles.areInEffect(principalId, [role], on)) return;
      throw denied(`the managed identity of ${connectorId} does not have the role ${role} on ${on} (or not yet)`);
    };
    if (!this.#roles.areInEffect(principalId, ["Storage Blob Data Contributor", "Storage Blob Data Owner"], id)) {
      need("Storage Blob Data Contributor", id);
    }
    const managed = given.file_event_queue?.managed_aqs;
    if (given.enable_file_events === true && managed) {
      need("Storage Account Contributor", lake.id);
      need("Storage Queue Data Contributor", lake.id);
      const group = `/subscriptions/${managed.subscription_id}/resourceGroups/${managed.resource_group}`;
      need("EventGrid EventSubscription Contributor", group);
    }
    const others = this.#table(workspace, "external_location").values();
    const other = others.find((each) => each.name !== given.name && overlap(String(each.url), given.url));
    if (other) {
      throw new Refusal(
        400,
        "LOCATION_OVERLAP",
        `Input path url '${given.url}' overlaps with the location ${String(other.name)}`,
      );
    }
  }

  /** Unity Catalog comes from outside of the lake's network. */
  #checkWayToLake(properties: Readonly<Record<string, unknown>>, connectorId: string, account: string): void {
    const { defaultAction, resourceAccessRules } = properties.networkAcls as {
      defaultAction: string;
      resourceAccessRules: readonly { resourceId: string }[];
    };
    const isLetIn = resourceAccessRules.some(
      ({ resourceId }) => resourceId.toLowerCase() === connectorId.toLowerCase(),
    );
    const isOpen = defaultAction === "Allow" && properties.publicNetworkAccess !== "Disabled";
    if (!isOpen && !isLetIn) throw denied(`the firewall of ${account} does not let ${connectorId} in`);
  }

  #checkStorageRoot(workspace: Workspace, root: string | undefined): void {
    if (root === undefined) throw invalid("Metastore storage root URL does not exist: name a storage root");
    this.#needLocation(workspace, root);
    const volumes = this.#table(workspace, "volume").values();
    const volume = volumes.find((each) => overlap(String(each.storage_location), root));
    if (volume) throw new Refusal(400, "LOCATION_OVERLAP", `${root} overlaps with the volume ${String(volume.name)}`);
  }

  #needLocation(workspace: Workspace, url: string): Entry {
    const location = this.#table(workspace, "external_location")
      .values()
      .find((each) => asDirectory(url).startsWith(asDirectory(String(each.url))));
    if (!location) throw notFound(`External location for ${url}`);
    return this.#visible(workspace, "external_location", String(location.name));
  }

  #checkVolume(workspace: Workspace, given: z.output<typeof volumeBody>, caller: Principal): void {
    const schema = `${given.catalog_name}.${given.schema_name}`;
    this.#visible(workspace, "catalog", given.catalog_name);
    this.#visible(workspace, "schema", schema);
    if (!this.may(workspace, caller, "CREATE_VOLUME", "schema", schema)) {
      throw denied(`${caller.name} may not create volumes in ${schema}`);
    }
    const { storage_location: location } = given;
    if (given.volume_type === "MANAGED") {
      if (location !== undefined) throw invalid("CreateVolume storage_location can not be provided.");
      return;
    }
    if (location === undefined) throw invalid("an external volume needs a storage location");
    const within = this.#needLocation(workspace, location);
    if (asDirectory(location) === asDirectory(String(within.url))) {
      throw invalid(`a volume at the root of the location ${String(within.name)} leaves no room for another`);
    }
    const managed = this.#table(workspace, "catalog").values();
    const root = managed.find((each) => overlap(String(each.storage_root), location));
    if (root)
      throw new Refusal(400, "LOCATION_OVERLAP", `${location} overlaps with managed storage of ${String(root.name)}`);
    const volumes = this.#table(workspace, "volume").values();
    const other = volumes.find((each) => overlap(String(each.storage_location), location));
    if (other) throw new Refusal(400, "LOCATION_OVERLAP", `${location} overlaps with the volume ${String(other.name)}`);
  }

  #addDefaultSchema(workspace: Workspace, catalog: string, caller: Principal): void {
    const key = `${catalog}.default`;
    const entry = this.#filled(workspace, "schema", key, { name: "default", catalog_name: catalog });
    this.#table(workspace, "schema").set(key, { ...entry, owner: caller.name });
  }

  #refuseIfNotEmpty(workspace: Workspace, type: Securable, key: string, entry: Entry, isForced: boolean): void {
    const refuse = (what: string) => new Refusal(400, "INVALID_STATE", `${type} '${key}' is not empty: ${what}`);
    const inside = (child: Securable) =>
      this.#table(workspace, child)
        .names()
        .filter((each) => each.startsWith(`${key}.`));
    if (type === "catalog" && !isForced) for (const each of inside("schema")) throw refuse(each);
    if (type === "schema" && !isForced)
      for (const each of [...inside("volume"), ...inside("table")]) throw refuse(each);
    const locations = this.#table(workspace, "external_location").values();
    if (type === "storage_credential" && !isForced) {
      const user = locations.find((each) => each.credential_name === key);
      if (user) throw refuse(`the location ${String(user.name)} uses it`);
    }
    if (type !== "external_location" || isForced) return;
    const url = String(entry.url);
    const users = [
      ...this.#table(workspace, "volume")
        .values()
        .map((each) => each.storage_location),
      ...this.#table(workspace, "catalog")
        .values()
        .map((each) => each.storage_root),
    ];
    const user = users.find((each) => typeof each === "string" && overlap(each, url));
    if (typeof user === "string") throw refuse(`${user} is in it`);
  }

  #needSecurable(workspace: Workspace, { type = "", name: fullName = "" }: Readonly<Record<string, string>>): Entry {
    if (!(type.replaceAll("_", "-") in GRANTABLE)) throw invalid(`nothing can be granted on a ${type}`);
    return this.#visible(workspace, type.replaceAll("-", "_") as Securable, fullName);
  }

  #grantsOf(workspace: Workspace, { type = "", name: fullName = "" }: Readonly<Record<string, string>>) {
    return (
      workspace
        .shared<readonly { principal: string; privileges: readonly string[] }[]>("unity catalog grants")
        .get(`${type.replaceAll("_", "-")} ${fullName}`) ?? []
    );
  }

  #grant(workspace: Workspace, call: Call) {
    const { params } = call;
    const type = (params.type ?? "").replaceAll("_", "-");
    const granted = new Map(
      this.#grantsOf(workspace, params).map(({ principal, privileges }) => [principal, new Set(privileges)]),
    );
    for (const { principal, add, remove } of bodyOf(call, grantChanges).changes) {
      if (!workspace.account.named(principal) && principal !== "account users") {
        throw new Refusal(404, "PRINCIPAL_DOES_NOT_EXIST", `Could not find principal with name ${principal}`);
      }
      const twice = (add ?? []).find((privilege) => (remove ?? []).includes(privilege));
      if (twice) throw invalid(`Duplicate privileges to add and delete for principal ${principal}.`);
      const wrong = (add ?? []).find((privilege) => !GRANTABLE[type]?.includes(privilege));
      if (wrong) throw invalid(`Privilege ${wrong} is not applicable to a ${type}`);
      const privileges = granted.get(principal) ?? new Set<string>();
      for (const each of add ?? []) privileges.add(each);
      for (const each of remove ?? []) privileges.delete(each);
      granted.set(principal, privileges);
    }
    // The service tells them in an order of its own.
    const assignments = [...granted]
      .filter(([, privileges]) => privileges.size > 0)
      .map(([principal, privileges]) => ({ principal, privileges: [...privileges].sort().reverse() }))
      .reverse();
    const key = `${type} ${params.name}`;
    if (assignments.length > 0) workspace.shared("unity catalog grants").set(key, assignments);
    else workspace.shared("unity catalog grants").delete(key);
    return assignments;
  }

  #bindings(workspace: Workspace, { type = "", name: fullName = "" }: Readonly<Record<string, string>>): string[] {
    const table = workspace.shared<string[]>("unity catalog bindings");
    const key = `${type.replaceAll("-", "_")} ${fullName}`;
    return table.get(key) ?? table.set(key, []);
  }

  #bind(workspace: Workspace, params: Call["params"], add: readonly number[], remove: readonly number[]) {
    const bound = this.#bindings(workspace, params);
    for (const id of add) if (!bound.includes(String(id))) bound.push(String(id));
    for (const id of remove) if (bound.includes(String(id))) bound.splice(bound.indexOf(String(id)), 1);
    return { bindings: bound.map(shownBinding) };
  }
}

const binding = z.strictObject({
  workspace_id: z.int(),
  binding_type: z.enum(["BINDING_TYPE_READ_WRITE", "BINDING_TYPE_READ_ONLY"]).optional(),
});
const shownBinding = (id: string) => ({ workspace_id: Number(id), binding_type: "BINDING_TYPE_READ_WRITE" });

function needOwner(entry: Entry, caller: Principal, what: string): void {
  if (entry.owner === caller.name || caller.memberOf.includes(entry.owner)) return;
  throw denied(`${caller.name} does not own ${what}: ${entry.owner} does`);
}

/** Whether a service principal may use an access connector, Azure is asked with a token of its own. */
function needTokenForConnector(workspace: Workspace, { headers }: Call, caller: Principal, given: object): void {
  if (!("azure_managed_identity" in given) || caller.kind !== "service-principal") return;
  if (inAzureAs(workspace.account, headers)?.id === caller.id) return;
  throw denied(
    "Missing validation token for service principal. Please provide a valid ARM-scoped Entra ID token in the " +
      "'X-Databricks-Azure-SP-Management-Token' request header",
  );
}

/** Removes a securable, all that is in it, and what was said of them. */
export function forgetSecurable(tableOf: (name: string) => Table<unknown>, type: string, key: string): void {
  for (const each of ["catalog", "schema", "volume", "table"]) {
    tableOf(`unity catalog ${each}`).deleteBelow(`${key}.`);
    tableOf("unity catalog grants").deleteBelow(`${each} ${key}.`);
  }
  tableOf(`unity catalog ${type}`).delete(key);
  tableOf("unity catalog grants").delete(`${type.replace("_", "-")} ${key}`);
  tableOf("unity catalog bindings").delete(`${type} ${key}`);
}
