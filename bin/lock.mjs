/** A lock is a file that names the process which has it. Runs without any npm package. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { linkSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";

/** So often a lock is looked at that is neither there nor can be made, before something else must be wrong with it. */
const MAX_TRIES = 500;
const PAUSE_MILLISECONDS = 10;

/**
 * Takes a lock, also one that a process left behind which was killed.
 *
 * @param {string} lock
 * @returns {string | undefined} the process that has it already, as in "process ..."; undefined where this one has it now
 */
export function takeLock(lock) {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    if (tries > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MILLISECONDS);
    if (wasMade(lock)) return undefined;
    const said = contentOf(lock);
    if (said === undefined) continue; // It was released just now.
    const owner = aliveIn(said, lock);
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
 * @returns {string | undefined} the process that has it, as {@link takeLock} names it; undefined where there is none, or
 *   one that was killed
 */
export function ownerOf(lock) {
  const said = contentOf(lock);
  return said === undefined ? undefined : aliveIn(said, lock);
}

/**
 * Whether an owner, as {@link takeLock} names it, is one whose end is noticed: that of a process on another machine, or in
 * another container, is not.
 *
 * @param {string} owner
 */
export const canBeSeen = (owner) => /^\d+$/.test(owner);

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

/** Code of a commit whose locks have no second line takes these for left behind: what it reads has no room for more. */
const thisProcess = () => `${process.pid} ${lookAt(process.pid).start}\n${thisHost} ${thisNamespace}`;

/** Asked for once: a laptop's name may change with its network, which must not part a process from its lock. */
const thisHost = os.hostname();

/** Tells this machine, since its start, from others, whatever it is called; empty where it does not say, as on a Mac. */
const thisBoot = unlessMissing(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());

/** Tells processes with numbers of their own, such as a container's, from others; empty where this machine has none. */
const thisNamespace = unlessMissing(() => readlinkSync("/proc/self/ns/pid"));

function unlessMissing(look) {
  try {
    return look();
  } catch {
    return "";
  }
}

/** The process that a lock names, where it is still running, or where that cannot be known from here. */
function aliveIn(said, lock) {
  const [, number = "", start = "", host, namespace] = /^(\d+) ?([^\n]*)(?:\n(\S*) ?(.*))?$/.exec(said) ?? [];
  // Locks that say nothing of where their process is were written before they did.
  if (namespace !== undefined) {
    const isOfThisBoot = thisBoot === "" || start.startsWith(`${thisBoot} `);
    // No process outlives its machine. Of others' machines the first processes all have the same namespace.
    if (!isOfThisBoot && host === thisHost) return undefined;
    if (!isOfThisBoot || namespace !== thisNamespace) {
      return `${number} on ${host}, which cannot be seen from here (if it is gone for good, remove ${lock}),`;
    }
  }
  const owner = Number(number);
  if (owner <= 0 || !isRunning(owner)) return undefined;
  const now = lookAt(owner);
  // A process that has ended keeps its number until its parent has asked how, which in a container may be never.
  if (/^[ZX]/.test(now.state)) return undefined;
  return start === "" || now.start === "" || start === now.start ? number : undefined;
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/**
 * What a process does (a letter), and what tells it from a later one that has its number: when it started. Both are empty
 * where this machine does not say.
 */
function lookAt(pid) {
  if (process.platform === "linux") {
    // What `ps` says there of one process differs by a second from time to time, and when the clock is set.
    try {
      // The program's name is in brackets, and may have any character; the time, in ticks, is the 20th field after it.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      return { state: fields[0] ?? "", start: `${thisBoot} ${fields[19] ?? ""}` };
    } catch {
      return { state: "", start: "" };
    }
  }
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const { status, stdout } = spawnSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8", env });
  const [, state = "", start = ""] = (status === 0 && /^\s*(\S+)\s+(.*\S)/.exec(stdout)) || [];
  return { state, start };
}
