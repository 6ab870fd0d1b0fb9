/** The landing directory on this machine: what waits there, and how a client delivers a file. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import path from "node:path";

/** The files that wait, relative to the directory; hidden ones (`.` or `_` first) are not the job's. */
export function waitingFiles(landingDirectory: string): string[] {
  return readdirSync(landingDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(landingDirectory, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.split(path.sep).some((part) => part.startsWith(".") || part.startsWith("_")))
    .sort();
}

/**
 * Delivers a file as a careful client does: under a hidden name first, then renamed, so that nobody reads half of it.
 * A name that is already waiting is never overwritten; the file then goes into a numbered subdirectory.
 *
 * @returns its path, relative to the directory
 */
export function deliver(file: string, landingDirectory: string): string {
  const name = path.basename(file);
  let target = name;
  for (let number = 2; existsSync(path.join(landingDirectory, target)); number += 1) {
    target = path.join(String(number), name);
  }
  const absolute = path.join(landingDirectory, target);
  const upload = path.join(path.dirname(absolute), `.${name}.uploading`);
  mkdirSync(path.dirname(absolute), { recursive: true });
  copyFileSync(file, upload);
  renameSync(upload, absolute);
  return target;
}
