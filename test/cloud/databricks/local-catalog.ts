/** A catalog on this machine: its volumes and tables in the folders of a home, for notebooks that run on local Spark. */
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import type { Home } from "../../../local/home.ts";
import { KernelError, type NotebookKernel } from "../../../local/notebook-kernel.ts";
import type { Principal } from "../account.ts";
import { Refusal } from "../http.ts";
import type { Lake } from "../lake.ts";
import type { UnityCatalog, Volume } from "./catalog.ts";
import { MountedVolume } from "./mounted-volume.ts";
import type { Workspace } from "./workspace.ts";

/** What runs notebooks. */
export type Kernel = Pick<NotebookKernel, "runNotebook" | "stop">;

/** A task's notebook: its file, its parameters, and what local Spark is told besides. */
type Notebook = Parameters<Kernel["runNotebook"]>;

/** Where Spark keeps the query of a view, beside the tables of its schema. */
const VIEW = ".view.sql";

export class LocalCatalog {
  readonly name: string;
  readonly home: Home;
  readonly #kernel: Kernel;
  readonly #catalog: UnityCatalog;
  readonly #lake: Lake;
  readonly #mounted = new Map<string, MountedVolume>();
  #isAtWork = false;

  constructor(name: string, home: Home, kernel: Kernel, catalog: UnityCatalog, lake: Lake) {
    this.name = name;
    this.home = home;
    this.#kernel = kernel;
    this.#catalog = catalog;
    this.#lake = lake;
  }

  /** The folder of a volume, as a job of this machine looks for it. */
  folderOf({ fullName, isManaged }: Volume): string {
    const [, schema = "", volume = ""] = fullName.split(".");
    return isManaged ? path.join(this.home.otherVolumes, schema, volume) : this.home.volume;
  }

  /** Shows in the folders what clients have written, and takes over what people have put there themselves. */
  exchange(workspace: Workspace): void {
    for (const volume of this.#volumes(workspace)) {
      // While a notebook runs, only that can have changed the folder; its rights are asked for at its end.
      if (!this.#isAtWork) volume.publish();
      volume.fetch();
    }
  }

  /**
   * Runs a notebook with the rights of one principal. What it changes without a right is undone.
   *
   * @throws KernelError where the notebook fails, or a right is missing
   */
  async runNotebook(workspace: Workspace, runner: Principal, notebook: Notebook): Promise<string | null> {
    this.exchange(workspace);
    await this.#forgetDroppedTables(workspace);
    allowed(() => {
      this.#needToRead(workspace, runner);
    });
    const tablesBefore = path.join(this.home.directory, "tables-before");
    rmSync(tablesBefore, { recursive: true, force: true });
    cpSync(this.home.tables, tablesBefore, { recursive: true });
    this.#isAtWork = true;
    try {
      // A notebook that fails has done what it has done.
      const [finished] = await Promise.allSettled([this.#kernel.runNotebook(...notebook)]);
      try {
        allowed(() => {
          this.#takeOver(workspace, runner, tablesIn(tablesBefore));
        });
      } catch (error) {
        await this.#restoreTables(tablesBefore);
        for (const volume of this.#volumes(workspace)) volume.discard();
        throw error;
      }
      if (finished.status === "rejected") throw finished.reason;
      return finished.value;
    } finally {
      this.#isAtWork = false;
      rmSync(tablesBefore, { recursive: true, force: true });
    }
  }

  /** Lets go of Spark. */
  close(): Promise<void> {
    return this.#kernel.stop();
  }

  #volumes(workspace: Workspace): readonly MountedVolume[] {
    return this.#catalog.volumesOf(workspace, this.name).map((volume) => {
      const mounted = this.#mounted.get(volume.fullName);
      if (mounted?.root === volume.root) return mounted;
      const made = new MountedVolume(this.#lake, volume.root, this.folderOf(volume));
      this.#mounted.set(volume.fullName, made);
      return made;
    });
  }

  /** A notebook finds all volumes and tables of its catalog, so its runner has to be allowed to read them. */
  #needToRead(workspace: Workspace, runner: Principal): void {
    for (const { fullName } of this.#catalog.volumesOf(workspace, this.name)) {
      this.#catalog.need(workspace, runner, "READ_VOLUME", "volume", fullName);
    }
    for (const fullName of this.#catalog.tablesOf(workspace, this.name)) {
      this.#catalog.need(workspace, runner, "SELECT", "table", fullName);
    }
  }

  /** Makes what a notebook did the cloud's, if its runner may do that. */
  #takeOver(workspace: Workspace, runner: Principal, before: ReadonlyMap<string, string>): void {
    const need = (privilege: string, type: "schema" | "volume" | "table", fullName: string) => {
      this.#catalog.need(workspace, runner, privilege, type, fullName);
    };
    const after = tablesIn(this.home.tables);
    const fullNameOf = (table: string) => `${this.name}.${table.replace(VIEW, "")}`;
    const made = [...after.keys()].filter((table) => !before.has(table));
    const dropped = [...before.keys()].filter((table) => !after.has(table));
    const changed = [...after].filter(([table, state]) => before.has(table) && before.get(table) !== state);
    for (const table of made) need("CREATE_TABLE", "schema", fullNameOf(table).replace(/\.[^.]*$/, ""));
    for (const table of dropped) need("MANAGE", "table", fullNameOf(table));
    // A view is replaced by who owns it, whatever others were granted.
    for (const [table] of changed) need(table.endsWith(VIEW) ? "MANAGE" : "MODIFY", "table", fullNameOf(table));
    for (const volume of this.#catalog.volumesOf(workspace, this.name)) {
      const isWritten = (this.#mounted.get(volume.fullName)?.changed().length ?? 0) > 0;
      if (isWritten) need("WRITE_VOLUME", "volume", volume.fullName);
    }
    for (const table of made) this.#catalog.addTable(workspace, fullNameOf(table), runner);
    for (const table of dropped) this.#catalog.dropTable(workspace, fullNameOf(table));
    for (const volume of this.#volumes(workspace)) volume.publish();
  }

  /** Tables of a catalog or a schema that is gone, or was made again, are gone. */
  async #forgetDroppedTables(workspace: Workspace): Promise<void> {
    const there = this.#catalog.tablesOf(workspace, this.name);
    const isThere = (table: string) => there.includes(`${this.name}.${table.replace(VIEW, "")}`);
    const dropped = [...tablesIn(this.home.tables).keys()].filter((table) => !isThere(table));
    if (dropped.length === 0) return;
    await this.#kernel.stop();
    for (const table of dropped) rmSync(fileOf(this.home.tables, table), { recursive: true });
  }

  async #restoreTables(from: string): Promise<void> {
    // Spark reads them from the disk again when it is next asked.
    await this.#kernel.stop();
    rmSync(this.home.tables, { recursive: true });
    renameSync(from, this.home.tables);
  }
}

/** @throws KernelError, as a notebook's own error, where something is refused */
function allowed(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (error instanceof Refusal) throw new KernelError(`${error.code}: ${error.message}`, { cause: error });
    throw error;
  }
}

const fileOf = (folder: string, table: string) => path.join(folder, table.replace(".", ".db/"));

/** What there is in a folder of tables, by schema and name, views with {@link VIEW} at the end, and what tells that one has changed. */
function tablesIn(folder: string): ReadonlyMap<string, string> {
  const schemas = readdirSync(folder).filter((name) => name.endsWith(".db"));
  return new Map(
    schemas.flatMap((schema) =>
      readdirSync(path.join(folder, schema)).flatMap((name): [string, string][] => {
        const file = path.join(folder, schema, name);
        const table = `${schema.replace(/db$/, "")}${name}`;
        if (name.endsWith(VIEW)) return [[table, readFileSync(file, "utf8")]];
        const log = path.join(file, "_delta_log");
        const commits = existsSync(log) ? readdirSync(log).filter((commit) => commit.endsWith(".json")) : [];
        return commits.length > 0 ? [[table, commits.sort().join(" ")]] : [];
      }),
    ),
  );
}
