import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Directory } from "@cdktf/provider-databricks/lib/directory/index.js";
import { Notebook } from "@cdktf/provider-databricks/lib/notebook/index.js";
import { WorkspaceFile } from "@cdktf/provider-databricks/lib/workspace-file/index.js";
import { AssetType, TerraformAsset } from "cdktf";
import { Construct } from "constructs";

/** Where the notebooks and their package are in this repository. */
const SOURCE_DIRECTORY = path.join(__dirname, "../../notebooks");
const PACKAGE = "order_tracking";

/**
 * The Python package of the notebooks in a folder of the workspace, and beside it the notebooks themselves.
 *
 * A notebook's own folder is on the path that Python imports from, so the package needs no build and no installation:
 * https://docs.databricks.com/files/workspace-modules.html
 */
export class NotebookPackage extends Construct {
  readonly modules: readonly WorkspaceFile[];
  readonly #folder: Directory;

  /** @param folder where the notebooks go */
  constructor(scope: Construct, id: string, folder: Directory) {
    super(scope, id);
    this.#folder = folder;
    // A resource, and the modules' paths made of its own: two files that both find no folder would both try to make it,
    // and one of them would fail.
    const packageFolder = new Directory(this, "package", { path: `${folder.path}/${PACKAGE}` });
    this.modules = packageModules().map((file) => {
      const moduleId = `${PACKAGE}-${file.slice(0, -".py".length)}`;
      return new WorkspaceFile(this, moduleId, {
        path: `${packageFolder.path}/${file}`,
        source: this.asset(`${moduleId}-source`, `${PACKAGE}/${file}`),
      });
    });
  }

  /** Adds the notebook of this name, which is without the extension. */
  addNotebook(name: string): Notebook {
    return new Notebook(this, name, {
      path: `${this.#folder.path}/${name}`,
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

/** The package's Python files, in the order of their names. It has no packages in it. */
function packageModules(): readonly string[] {
  return readdirSync(path.join(SOURCE_DIRECTORY, PACKAGE))
    .filter((file) => file.endsWith(".py"))
    .sort();
}
