import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Notebook } from "@cdktf/provider-databricks/lib/notebook/index.js";
import { WorkspaceFile } from "@cdktf/provider-databricks/lib/workspace-file/index.js";
import { AssetType, TerraformAsset } from "cdktf";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import * as names from "../names.ts";

/** Where the notebooks and their package are in this repository. */
const SOURCE_DIRECTORY = path.join(__dirname, "../../notebooks");
const PACKAGE = "order_tracking";

/**
 * The Python package of the notebooks in the environment's workspace folder, and beside it the notebooks themselves.
 *
 * A notebook's own folder is on the path that Python imports from, so the package needs no build and no installation:
 * https://docs.databricks.com/files/workspace-modules.html
 */
export class NotebookPackage extends Construct {
  readonly modules: readonly WorkspaceFile[];
  readonly #folder: string;

  constructor(scope: Construct, id: string, environment: Environment) {
    super(scope, id);
    this.#folder = names.workspaceFolder(environment);
    this.modules = packageModules().map((file) => {
      const moduleId = file.slice(0, -".py".length).replaceAll("/", "-");
      return new WorkspaceFile(this, moduleId, {
        path: `${this.#folder}/${file}`,
        source: this.asset(`${moduleId}-source`, file),
      });
    });
  }

  /** Adds the notebook of this name, which is without the extension. */
  addNotebook(name: string): Notebook {
    return new Notebook(this, name, {
      path: `${this.#folder}/${name}`,
      source: this.asset(`${name}-source`, `${name}.py`),
    });
  }

  /** Ships a file with the stack, under a path that changes with its content and with nothing else. */
  private asset(id: string, file: string): string {
    const source = path.join(SOURCE_DIRECTORY, file);
    // Git may check text out with other line ends on another machine: that is no change of the notebook.
    const content = readFileSync(source, "utf8").replaceAll("\r\n", "\n");
    const assetHash = createHash("sha256").update(content).digest("hex").slice(0, 32);
    return new TerraformAsset(this, id, { path: source, type: AssetType.FILE, assetHash }).path;
  }
}

/** The package's Python files as paths within the source directory, in the order of their names. */
function packageModules(): readonly string[] {
  return readdirSync(path.join(SOURCE_DIRECTORY, PACKAGE), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".py"))
    .map((file) => path.posix.join(PACKAGE, ...file.split(path.sep)))
    .sort();
}
