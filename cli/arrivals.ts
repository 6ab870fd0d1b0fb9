/** The files that a command hands to the job: those that it was given, or the samples. */
import { accessSync, constants, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { UsageError, userPath } from "./arguments.ts";

const SAMPLES = path.join(__dirname, "../samples");

/**
 * The files of each arrival: all that were given at once; without any the samples, one folder an arrival.
 *
 * @throws UsageError where one of the files cannot be handed over; nothing has happened by then
 */
export function arrivalsOf(given: readonly string[]): readonly (readonly string[])[] {
  const files = given.map(userPath);
  for (const file of files) checkFile(file);
  return files.length > 0 ? [files] : sampleArrivals();
}

function sampleArrivals(): readonly (readonly string[])[] {
  const filesIn = (folder: string) =>
    readdirSync(folder)
      .sort()
      .map((name) => path.join(folder, name));
  return filesIn(SAMPLES).map(filesIn);
}

function checkFile(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`there is no file ${file}`);
  if (!found.isFile()) throw new UsageError(`${file} is not a file: name the files in it`);
  if (/^[._]/.test(path.basename(file))) {
    throw new UsageError(`${file} starts with "." or "_": the job leaves such files alone, so rename it first`);
  }
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw new UsageError(`${file} cannot be read: check its permissions`, { cause: error });
  }
}
