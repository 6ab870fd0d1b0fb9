/** The SQL that people use, as the files in notebooks/queries have it: the very files that run on a laptop. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Environment } from "../environments/environment.ts";
import * as names from "../environments/names.ts";

const DIRECTORY = path.join(__dirname, "../notebooks/queries");

export interface Query {
  /** Name of its file, without the extension. */
  readonly name: string;
  /** What it answers: the sentence in the comment that the file begins with. */
  readonly description: string;
  /** All of the file. Tables of orders have bare names, others the name of their schema before theirs. */
  readonly text: string;
}

/** Every query, in the order of their names. */
export function allQueries(): readonly Query[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.endsWith(".sql"))
    .map((file) => readQuery(file.slice(0, -".sql".length)))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** The query of this name. */
export function readQuery(name: string): Query {
  // Git may check text out with other line ends on another machine: that is no change of the query.
  const text = readFileSync(path.join(DIRECTORY, `${name}.sql`), "utf8").replaceAll("\r\n", "\n");
  const [comment = ""] = text.split("\n");
  return { name, description: comment.replace(/^-- /, ""), text };
}

/** The query for where no catalog and schema can be set beside it: its tables are named in full. */
export function withFullNames({ text }: Query, environment: Environment): string {
  return text.replace(
    /\b(FROM|JOIN) (\w+\.)?(\w+)/g,
    (_, keyword: string, schema = `${names.SCHEMA}.`, table: string) =>
      `${keyword} ${names.catalog(environment)}.${schema}${table}`,
  );
}
