/** The SQL of the page: the saved queries that are deployed, and those of its own. No other SQL is run. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const FOLDERS = [path.join(__dirname, "queries"), path.join(__dirname, "../notebooks/queries")];

/**
 * The text of a saved query, with no more rows than `maxRows`.
 *
 * As a part of a SELECT it can change nothing, whatever its file says.
 *
 * @throws Error where there is no such query
 */
export function savedQuery(name: string, maxRows: number): string {
  const file = FOLDERS.map((folder) => path.join(folder, `${name}.sql`)).find((each) => existsSync(each));
  if (file === undefined || !/^\w+$/.test(name)) throw new Error(`there is no saved query ${name}`);
  return `SELECT * FROM (\n${readFileSync(file, "utf8")}\n) LIMIT ${maxRows}`;
}
