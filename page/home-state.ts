/** Whether anything has changed in a home: its tables, and the files that wait in its volume. */
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { Home } from "../local/home.ts";

/** A text that is another one when a table, the files in the landing directory or who runs the job has changed. */
export function homeState(home: Home): string {
  const schemas = entries(home.tables).filter((name) => name.endsWith(".db"));
  const tables = schemas.flatMap((schema) =>
    entries(path.join(home.tables, schema)).map((name) => path.join(home.tables, schema, name)),
  );
  // A view is a file, a table a folder with a log of its commits.
  const logs = tables.flatMap((table) => [table, path.join(table, "_delta_log")]);
  const landing = entries(home.volume).map((folder) => path.join(home.volume, folder));
  return [...logs, ...landing, path.join(home.directory, "lock")].map(changedAt).join(" ");
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // Nothing has been loaded yet, or the home was emptied.
  }
}

function changedAt(file: string): string {
  try {
    const { ino, mtimeMs } = statSync(file);
    return `${ino}:${mtimeMs}`;
  } catch {
    return "-";
  }
}
