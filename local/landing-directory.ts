/** The landing directory on this machine: what waits there, and how a client delivers a file. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import path from "node:path";

/** So long the job leaves a file to a later run that may still be on its way, as `landing.py` has it. */
export const UNFINISHED_GRACE_MS = 10 * 60_000;

/** What a file is called while it is delivered, and the folders that it may be in below the landing directory. */
const UPLOAD = /^\.[0-9a-f]{16}\.uploading$/;
const NUMBERED = /^\d+$/;

/** The files that wait, relative to the directory; hidden ones (`.` or `_` first) are not the job's. */
export function waitingFiles(landingDirectory: string): string[] {
  return filesIn(landingDirectory, (name) => !/^[._]/.test(name))
    .map((file) => path.relative(landingDirectory, file))
    .sort();
}

/**
 * Removes what deliveries have left that were killed halfway: nobody finishes one, and an order in it could not be erased.
 * Only for who has the home to itself, as each delivery does.
 */
export function removeUnfinishedUploads(landingDirectory: string): void {
  const found = filesIn(landingDirectory, (name) => UPLOAD.test(name) || NUMBERED.test(name));
  for (const file of found.filter((each) => UPLOAD.test(path.basename(each)))) {
    try {
      rmSync(file, { force: true });
    } catch (error) {
      // One in somebody else's folder is no reason to load nothing.
      if (!["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

/** The files of a folder and of its subdirectories; files and subdirectories are left out whose names are not wanted. */
function filesIn(folder: string, isWanted: (name: string) => boolean): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => isWanted(name))
    .flatMap((entry) => {
      const found = path.join(folder, entry.name);
      return entry.isDirectory() ? filesInSubdirectory(found, isWanted) : entry.isFile() ? [found] : [];
    });
}

/** The files of a subdirectory; none where the job has removed it meanwhile, or where it may not be read. */
function filesInSubdirectory(folder: string, isWanted: (name: string) => boolean): string[] {
  try {
    return filesIn(folder, isWanted);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

/** When the last file was delivered, in milliseconds. */
let lastSentMs = 0;

/**
 * Delivers a file as a careful client does: under a hidden name first, then renamed, so that nobody reads half of it.
 * A name that is already waiting is never overwritten; the file then goes into a numbered subdirectory.
 *
 * The copy's time is that of its delivery, since the job takes it for the time at which the file was sent: later than that
 * of each one before, however coarse the clock of files is. Some of Node's versions copy the file's own. Only a file that
 * looks cut, and to which nobody has written for a while, counts as sent just so much earlier that the job does not wait
 * for more to come. Where such a file and one that was delivered within the ten minutes before it differ in an order of the
 * same time and status, the other one wins, although it came first.
 *
 * @param sentAgoMs so much earlier it counts as sent
 * @returns its path, relative to the directory
 */
export function deliver(file: string, landingDirectory: string, sentAgoMs = 0): string {
  const name = path.basename(file);
  let target = name;
  for (let number = 2; existsSync(path.join(landingDirectory, target)); number += 1) {
    target = path.join(String(number), name);
  }
  const absolute = path.join(landingDirectory, target);
  // Short, as the file's own name may be as long as any can be; and another one each time, as what an upload that was
  // killed has left may be a copy that nobody can write to.
  const upload = path.join(path.dirname(absolute), `.${randomBytes(8).toString("hex")}.uploading`);
  mkdirSync(path.dirname(absolute), { recursive: true });
  try {
    copyFileSync(file, upload);
    lastSentMs = Math.max(Date.now(), lastSentMs + 1);
    const isStill = lastSentMs - statSync(file).mtimeMs >= UNFINISHED_GRACE_MS;
    const agoMs = isStill && looksCut(upload) ? UNFINISHED_GRACE_MS : sentAgoMs;
    utimesSync(upload, new Date(), new Date(lastSentMs - agoMs));
    renameSync(upload, absolute);
  } finally {
    rmSync(upload, { force: true });
  }
  return target;
}

/** Whether the job waits for more of a file while that is young: it is empty, or its last line has no end. */
function looksCut(file: string): boolean {
  const { size } = statSync(file);
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  const opened = openSync(file, "r");
  try {
    readSync(opened, last, 0, 1, size - 1);
  } finally {
    closeSync(opened);
  }
  return last.toString() !== "\n";
}
