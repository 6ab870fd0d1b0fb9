/** The dashboard of an environment, as Databricks reads and exports it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { readQuery } from "./queries.ts";

/** Laid out in a workspace and exported from there. Its data sets are the queries whose names they show. */
const FILE = path.join(__dirname, "../notebooks/dashboards/order_tracking.lvdash.json");

interface DataSet {
  readonly displayName: string;
  /** In an exported file; the queries' own files have them anyway. */
  readonly queryLines?: readonly string[];
}

/** The dashboard's definition; catalog and schema of its tables are set beside it. */
export function dashboardDefinition(): string {
  return withQueries(readFileSync(FILE, "utf8"));
}

/**
 * A dashboard's definition with the text of the queries as its data sets.
 *
 * @throws Error where a data set is another query than the file of its name, which a change here would be lost to
 */
export function withQueries(definition: string): string {
  const dashboard = JSON.parse(definition) as { readonly datasets: readonly DataSet[] };
  const datasets = dashboard.datasets.map((dataset) => {
    const { text } = readQuery(dataset.displayName);
    if (dataset.queryLines && dataset.queryLines.join("").trim() !== text.trim()) {
      throw new Error(
        `the dashboard's data set ${dataset.displayName} is not notebooks/queries/${dataset.displayName}.sql: change that file`,
      );
    }
    // The service joins the lines as they are.
    return { ...dataset, queryLines: text.split(/(?<=\n)/) };
  });
  return JSON.stringify({ ...dashboard, datasets });
}
