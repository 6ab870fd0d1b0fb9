/** Files in `rejected/` of a home's volume: nothing else of the machine can be named here. */
import { closeSync, openSync, readSync, realpathSync } from "node:fs";
import path from "node:path";
import type { Home } from "../local/home.ts";

/** Bytes of a file that are shown. */
const SHOWN_BYTES = 1000;

/**
 * The path of a rejected file on this machine; undefined where it is not there any more, or is none.
 *
 * @param movedTo as the ledger has it: from the volume on
 */
export function rejectedFile({ volume }: Home, movedTo: string): string | undefined {
  try {
    // Links are followed first, so that they cannot lead out of the folder.
    const folder = realpathSync(path.join(volume, "rejected"));
    const file = realpathSync(path.join(volume, movedTo));
    return file.startsWith(folder + path.sep) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** The beginning of a file as text, whatever is in it; a sentence where it cannot be read. */
export function beginningOf(file: string): string {
  try {
    return readBeginning(file);
  } catch (error) {
    return `It cannot be read: ${(error as Error).message}`;
  }
}

function readBeginning(file: string): string {
  const opened = openSync(file, "r");
  try {
    const bytes = Buffer.alloc(SHOWN_BYTES);
    const read = readSync(opened, bytes, 0, SHOWN_BYTES, 0);
    return `${bytes.toString("utf8", 0, read)}${read === SHOWN_BYTES ? " …" : ""}`;
  } finally {
    closeSync(opened);
  }
}
