/** The folder on this machine that stands in for the volume, the tables and the workspace. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ownerOf as lockOwner, releaseLock, takeLock } from "../bin/lock.mjs";

/** Tells a home from any other folder, so that `reset` never empties somebody's documents. */
const MARK = ".order-tracking-home";

/** What may be in a folder before it is a home: its lock, the stand-in for the cloud, and what a Mac leaves anywhere. */
const IS_NOBODYS = /^(lock(\.\w+)*|cloud|\.DS_Store)$/;

/** The folders of one home. */
export interface Home {
  readonly directory: string;
  /** The external volume: `file_arrival/`, `archive/` and `rejected/`. */
  readonly volume: string;
  /** Other volumes that a job names, by schema and name. */
  readonly otherVolumes: string;
  /** Spark's warehouse: `<schema>.db/<table>/`. */
  readonly tables: string;
  /** The stacks that the job was read from. */
  readonly synthesized: string;
  /** The workspace files of the job that ran last. */
  readonly workspace: string;
  readonly logs: string;
}

function homeAt(directory: string): Home {
  const absolute = path.resolve(directory);
  return {
    directory: absolute,
    volume: path.join(absolute, "volume"),
    otherVolumes: path.join(absolute, "volumes"),
    tables: path.join(absolute, "tables"),
    synthesized: path.join(absolute, "synthesized"),
    workspace: path.join(absolute, "workspace"),
    logs: path.join(absolute, "logs"),
  };
}

const isMarked = ({ directory }: Home) => existsSync(path.join(directory, MARK));

/** Where the tables of a home are while they are removed. */
const removedOf = (home: Home) => `${home.tables}.removed`;

/** Whether the job has run there since it was emptied to the end. */
export function isHome(directory: string): boolean {
  const home = homeAt(directory);
  return isMarked(home) && (existsSync(home.tables) || existsSync(removedOf(home)));
}

/**
 * Opens a home, making it where there is none, and removes what a cut-short removal has left of its orders.
 *
 * @throws Error where the folder holds something else
 */
export function openHome(directory: string): Home {
  const home = homeAt(directory);
  checkIsFree(home);
  mkdirSync(home.directory, { recursive: true });
  // First: what is cut short after it is still a home.
  writeFileSync(path.join(home.directory, MARK), "The order-tracking job of this laptop lives here.\n");
  for (const folder of [home.volume, home.tables, home.logs]) mkdirSync(folder, { recursive: true });
  // No command looks there, so an order that is erased would stay.
  rmSync(removedOf(home), { recursive: true, force: true });
  return home;
}

/** @throws Error where a folder is no home, and holds something else */
function checkIsFree(home: Home): void {
  const isOthers = (name: string) => !IS_NOBODYS.test(name);
  if (existsSync(home.directory) && !isMarked(home) && readdirSync(home.directory).some(isOthers)) {
    throw new Error(`${home.directory} holds other files: name an empty or a new folder with --home`);
  }
}

/** @throws Error where the job never ran there */
export function findHome(directory: string): Home {
  const home = homeAt(directory);
  if (!isHome(home.directory)) {
    throw new Error(
      `no orders have been loaded into ${home.directory} yet: run "npm start" first, or name another --home`,
    );
  }
  return home;
}

/** Removes everything from a home but its mark; leaves files in the folder that are not the job's. */
export function emptyHome(home: Home): void {
  const removed = removedOf(home);
  for (const folder of [home.volume, home.otherVolumes, home.synthesized, home.workspace, home.logs, removed]) {
    rmSync(folder, { recursive: true, force: true });
  }
  // The tables last, and all at once: cut short, this leaves whole ones or none, and in either case a home to be emptied.
  renameSync(home.tables, removed);
  mkdirSync(home.tables);
  for (const folder of [removed, home.tables]) rmSync(folder, { recursive: true });
}

const lockOf = (directory: string) => path.join(directory, "lock");

/** The process that has a home to itself, as in "process ..."; undefined where there is none, or one that was killed. */
export function ownerOf({ directory }: Home): string | undefined {
  return lockOwner(lockOf(directory));
}

/**
 * Opens a home for one process alone while `work` runs, making it where there is none: a local folder gives Delta Lake no
 * way to keep two writers apart, and a home that is being emptied is none.
 *
 * @throws Error where another live process has it, or the folder holds something else
 */
export async function withHomeLocked<T>(directory: string, work: (home: Home) => Promise<T>): Promise<T> {
  checkIsFree(homeAt(directory)); // Or a file of somebody's called `lock` would be taken for one that was left behind.
  mkdirSync(directory, { recursive: true });
  const lock = lockOf(directory);
  const owner = takeLock(lock);
  if (owner !== undefined) {
    throw new Error(`process ${owner} is running the job in ${directory}: end it first, or name another --home`);
  }
  try {
    return await work(openHome(directory));
  } finally {
    releaseLock(lock);
  }
}
