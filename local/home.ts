/** The folder on this machine that stands in for the volume, the tables and the workspace. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Tells a home from any other folder, so that `reset` never empties somebody's documents. */
const MARK = ".order-tracking-home";

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

/** Whether the job ever ran there. */
export function isHome(directory: string): boolean {
  return existsSync(path.join(directory, MARK));
}

/**
 * Opens a home, making it where there is none.
 *
 * @throws Error where the folder holds something else
 */
export function openHome(directory: string): Home {
  const home = homeAt(directory);
  if (existsSync(home.directory) && !isHome(home.directory) && readdirSync(home.directory).length > 0) {
    throw new Error(`${home.directory} holds other files: name an empty or a new folder with --home`);
  }
  for (const folder of [home.volume, home.tables, home.logs]) mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(home.directory, MARK), "The order-tracking job of this laptop lives here.\n");
  return home;
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

/** Removes everything from a home; leaves files in the folder that are not the job's. */
export function emptyHome(home: Home): void {
  for (const folder of [home.volume, home.otherVolumes, home.tables, home.synthesized, home.workspace, home.logs]) {
    rmSync(folder, { recursive: true, force: true });
  }
  rmSync(path.join(home.directory, MARK), { force: true });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Tells a process from a later one that has its number: when it started; empty where this machine does not say. */
function startOf(pid: number): string {
  if (process.platform === "linux") {
    // What `ps` says there of one process differs by a second from time to time, and when the clock is set.
    try {
      const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
      // The program's name is in brackets, and may have any character; the time, in ticks, is the 20th field after it.
      const ticks = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ")[19] ?? "";
      return `${boot} ${ticks}`;
    } catch {
      return "";
    }
  }
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const { status, stdout } = spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", env });
  return status === 0 ? stdout.trim() : "";
}

/** The process that has a home to itself; undefined where there is none, or one that was killed. */
export function ownerOf(home: Home): number | undefined {
  let said: string;
  try {
    said = readFileSync(lockOf(home), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined; // It has ended just now.
    throw error;
  }
  const [, number = "", start = ""] = /^(\d+) ?(.*)$/.exec(said) ?? [];
  const owner = Number(number);
  return owner > 0 && isRunning(owner) && (start === "" || start === startOf(owner)) ? owner : undefined;
}

const lockOf = (home: Home) => path.join(home.directory, "lock");

/**
 * Keeps a home to one process while `work` runs: a local folder gives Delta Lake no way to keep two writers apart.
 *
 * @throws Error where another live process has it
 */
export async function withHomeLocked<T>(home: Home, work: () => Promise<T>): Promise<T> {
  const lock = lockOf(home);
  for (;;) {
    try {
      writeFileSync(lock, `${process.pid} ${startOf(process.pid)}`, { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const owner = ownerOf(home);
      if (owner !== undefined) {
        throw new Error(
          `process ${owner} is running the job in ${home.directory}: end it first, or name another --home`,
          {
            cause: error,
          },
        );
      }
      rmSync(lock, { force: true }); // Left behind by a process that was killed, whose number another one may have by now.
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}
