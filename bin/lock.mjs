/** A lock is a file that names the process which has it. Runs without any npm package. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";

/** So often a lock is looked at that is neither there nor can be made, before something else must be wrong with it. */
const MAX_TRIES = 500;
const PAUSE_MILLISECONDS = 10;

/**
 * Takes a lock, also one that a process left behind which was killed.
 *
 * @param {string} lock
 * @returns {number | undefined} the process that has it already; undefined where this one has it now
 */
export function takeLock(lock) {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    if (tries > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MILLISECONDS);
    if (wasMade(lock)) return undefined;
    const said = contentOf(lock);
    if (said === undefined) continue; // It was released just now.
    const owner = aliveIn(said);
    if (owner !== undefined) return owner;
    // Only who holds this one may remove a lock that is left behind: otherwise it may be the next owner's by now.
    const removal = `${lock}.removal`;
    if (takeLock(removal) !== undefined) continue;
    try {
      if (contentOf(lock) === said) rmSync(lock, { force: true });
    } finally {
      releaseLock(removal);
    }
  }
  throw new Error(`${lock} can neither be taken nor removed: remove it, and ${lock}.removal`);
}

/** Lets go of a lock, where this process has it. @param {string} lock */
export function releaseLock(lock) {
  if (contentOf(lock) === thisProcess()) rmSync(lock, { force: true });
}

/**
 * @param {string} lock
 * @returns {number | undefined} the process that has it; undefined where there is none, or one that was killed
 */
export function ownerOf(lock) {
  const said = contentOf(lock);
  return said === undefined ? undefined : aliveIn(said);
}

/** Makes the lock with all that it says, so that nobody sees an empty one; false where there is one. */
function wasMade(lock) {
  // Another one in another container may have the number of this one.
  const own = `${lock}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    writeFileSync(own, thisProcess());
    linkSync(own, lock);
    return true;
  } catch (error) {
    return error.code !== "EEXIST" && wasMadeWithoutLinks(lock);
  } finally {
    rmSync(own, { force: true });
  }
}

/** As some file systems have no links: empty for a moment, in which who looks takes it for one that was left behind. */
function wasMadeWithoutLinks(lock) {
  try {
    writeFileSync(lock, thisProcess(), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function contentOf(lock) {
  try {
    return readFileSync(lock, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

const thisProcess = () => `${process.pid} ${startOf(process.pid)}`;

/** The process that a lock names, where it is still running. */
function aliveIn(said) {
  const [, number = "", start = ""] = /^(\d+) ?(.*)$/.exec(said) ?? [];
  const owner = Number(number);
  if (owner <= 0 || !isRunning(owner)) return undefined;
  const now = startOf(owner);
  return start === "" || now === "" || start === now ? owner : undefined;
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Tells a process from a later one that has its number: when it started; empty where this machine does not say. */
function startOf(pid) {
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
