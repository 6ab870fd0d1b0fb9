import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Directory } from "@cdktf/provider-databricks/lib/directory/index.js";
import { Notebook } from "@cdktf/provider-databricks/lib/notebook/index.js";
import { WorkspaceFile } from "@cdktf/provider-databricks/lib/workspace-file/index.js";
import { AssetType, TerraformAsset } from "cdktf";
import { Construct } from "constructs";
import * as names from "../../environments/names.ts";

/** Where the notebooks and their package are in this repository. */
const SOURCE_DIRECTORY = path.join(__dirname, "../../notebooks");
const PACKAGE = "order_tracking";

/** A version's folder and files are all there before the jobs point at them, and go once no job does any more. */
const LIFECYCLE = { createBeforeDestroy: true };

/**
 * The Python package of the notebooks, and beside it the notebooks themselves, in a folder of the workspace for this
 * version of them: another version goes into another folder, so that no run takes a part of its code from each.
 *
 * A notebook's own folder is on the path that Python imports from, so the package needs no build and no installation:
 * https://docs.databricks.com/files/workspace-modules.html
 */
export class NotebookPackage extends Construct {
  readonly modules: readonly WorkspaceFile[];
  readonly #folder: Directory;

  /** @param workspaceFolder where the versions' folders are */
  constructor(scope: Construct, id: string, workspaceFolder: Directory) {
    super(scope, id);
    // Resources, and the files' paths made of theirs: two files that both find no folder would both try to make it, and
    // one of them would fail. What else is in them at the end are files that Python compiled.
    const folder = (folderId: string, folderPath: string) =>
      new Directory(this, folderId, { path: folderPath, deleteRecursive: true, lifecycle: LIFECYCLE });
    this.#folder = folder("version", `${workspaceFolder.path}/${names.codeFolder(versionOf(sources()))}`);
    const packageFolder = folder("package", `${this.#folder.path}/${PACKAGE}`);
    const modules = packageModules();
    const rooms = new Map(
      [...new Set(modules.map((file) => path.posix.dirname(file)))]
        .filter((room) => room !== ".")
        .map((room) => [room, folder(`package-${room}`, `${packageFolder.path}/${room}`)]),
    );
    this.modules = modules.map((file) => {
      const moduleId = `${PACKAGE}-${file.slice(0, -".py".length).replace("/", "-")}`;
      const moduleFolder = rooms.get(path.posix.dirname(file)) ?? packageFolder;
      return new WorkspaceFile(this, moduleId, {
        path: `${moduleFolder.path}/${path.posix.basename(file)}`,
        source: this.#asset(`${moduleId}-source`, `${PACKAGE}/${file}`),
        lifecycle: LIFECYCLE,
      });
    });
  }

  /** Adds the notebook of this name, which is without the extension. */
  addNotebook(name: string): Notebook {
    return new Notebook(this, name, {
      path: `${this.#folder.path}/${name}`,
      source: this.#asset(`${name}-source`, `${name}.py`),
      lifecycle: LIFECYCLE,
    });
  }

  /** Ships a file with the stack, under a path that changes with its content and with nothing else. */
  #asset(id: string, file: string): string {
    const source = path.join(SOURCE_DIRECTORY, file);
    return new TerraformAsset(this, id, { path: source, type: AssetType.FILE, assetHash: hash(contentOf(file)) }).path;
  }
}

/** The package's Python files, from its folder, in the order of their names. Packages in it have none in them. */
function packageModules(): readonly string[] {
  return readdirSync(path.join(SOURCE_DIRECTORY, PACKAGE), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".py"))
    .map((file) => file.replaceAll(path.sep, "/"))
    .sort();
}

/** All notebooks and modules: contents by path. */
function sources(): ReadonlyMap<string, string> {
  const files = [...notebooks(), ...packageModules().map((file) => `${PACKAGE}/${file}`)];
  return new Map(files.map((file) => [file, contentOf(file)]));
}

/** What tells one version of files from another: their paths and contents, and nothing else. */
export function versionOf(contents: ReadonlyMap<string, string>): string {
  return hash(JSON.stringify([...contents].sort(([one], [other]) => (one < other ? -1 : 1))));
}

function notebooks(): readonly string[] {
  return readdirSync(SOURCE_DIRECTORY)
    .filter((file) => file.endsWith(".py"))
    .sort();
}

/** Git may check text out with other line ends on another machine: that is no change of a file. */
function contentOf(file: string): string {
  return readFileSync(path.join(SOURCE_DIRECTORY, file), "utf8").replaceAll("\r\n", "\n");
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
