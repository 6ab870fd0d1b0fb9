/** A lock is a file that names the process which has it. Runs without any npm package. */
import { spawnSync } from "node:child_process";
import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";

/**
 * Takes a lock, also one that a process left behind which was killed.
 *
 * @param {string} lock
 * @returns {number | undefined} the process that has it already; undefined where this one has it now
 */
export function takeLock(lock) {
  for (;;) {
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
  const own = `${lock}.${process.pid}`;
  writeFileSync(own, thisProcess());
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(own);
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
  return owner > 0 && isRunning(owner) && (start === "" || start === startOf(owner)) ? owner : undefined;
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
