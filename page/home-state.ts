/** Whether what is shown of a home may be another thing: its tables and the files that wait there, and the day. */
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { Home } from "../local/home.ts";

/**
 * A text that is another one when a table, the files in the landing directory or who runs the job has changed, and on
 * another day in UTC: what is said of today, and of the last days, is then about other days.
 */
export function homeState(home: Home, now = new Date()): string {
  const schemas = entries(home.tables).filter((name) => name.endsWith(".db"));
  const tables = schemas.flatMap((schema) =>
    entries(path.join(home.tables, schema)).map((name) => path.join(home.tables, schema, name)),
  );
  // A view is a file, a table a folder with a log of its commits.
  const logs = tables.flatMap((table) => [table, path.join(table, "_delta_log")]);
  const volume = entries(home.volume).map((folder) => path.join(home.volume, folder));
  const landing = subfolders(path.join(home.volume, "file_arrival"));
  const changes = [...logs, ...volume, ...landing, path.join(home.directory, "lock")].map(changedAt);
  return [now.toISOString().slice(0, 10), ...changes].join(" ");
}

/** All folders below one: a file that comes or goes changes the time of its own folder only. */
function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => path.join(folder, name))
      .flatMap((found) => [found, ...subfolders(found)]);
  } catch {
    return []; // It is not there yet, or the job has removed it meanwhile.
  }
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
