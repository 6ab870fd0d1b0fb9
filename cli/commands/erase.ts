/** `order-tracking erase TRACKING_NUM`: removes one order from everywhere. */
import { mkdirSync, rmSync } from "node:fs";
import { findHome } from "../../local/home.ts";
import { emptySparkLogs } from "../../local/spark-server.ts";
import { agreed } from "../agreed.ts";
import { environmentOption, homeOption, parseArguments, shownPath, UsageError, userPath } from "../arguments.ts";
import { withJobSession } from "../job-session.ts";
import { Progress } from "../progress.ts";
import { runAndReport, summaryOf } from "../run-report.ts";
import { printable, textTable } from "../text-table.ts";

export const usage = `Usage: npm run -s order-tracking -- erase TRACKING_NUM [--yes] [--environment NAME] [--json] [--home DIR]

Removes one order from the tables, from what runs tell, from the archived and rejected files, and the logs of earlier
runs and of Spark, after asking; says where it was, and until when old versions could still show it: "upkeep" deletes
those then. Run it again at any time to prove that nothing is left. Exit code 0 only if nothing is left for people to
look at.

  --yes               do not ask
  --environment NAME  whose job (default: dev)
  --json              print the report as one JSON document
  --home DIR          where the volume and the tables live (default: .local)
`;

interface Report {
  readonly places: readonly {
    readonly name: string;
    readonly removed: number;
    readonly searched: number | null;
    readonly old_versions_until: string | null;
  }[];
  readonly unsearched: Readonly<Record<string, string>>;
  readonly waiting: readonly string[];
  readonly old_versions_until: string;
}

/** Runs the erase job, once the person agrees. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: {
      ...homeOption,
      ...environmentOption,
      yes: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const [trackingNum, ...rest] = positionals;
  if (trackingNum === undefined || trackingNum === "" || rest.length > 0)
    throw new UsageError("give one tracking number");
  const home = findHome(userPath(values.home));
  const question = `Remove ${trackingNum} for good from ${shownPath(home.directory)}?`;
  if (!(await agreed(question, !values.yes))) return 1;
  const progress = new Progress(values.json);
  return withJobSession(home.directory, values.environment, progress, async ({ otherJob, interrupted }) => {
    const job = otherJob("_erase");
    const print = values.json ? () => undefined : console.log;
    // What notebooks printed may tell of any row.
    rmSync(home.logs, { recursive: true, force: true });
    mkdirSync(home.logs);
    print(`${job.job.name} on this machine, in ${shownPath(home.directory)}`);
    const given = { tracking_num: trackingNum };
    const { status, tasks } = await runAndReport(job, interrupted, progress, print, given);
    const [summary] = tasks.map(summaryOf);
    // Its messages may name the order as well, those of this run included. Of one that failed they are still needed.
    if (status === "SUCCESS") emptySparkLogs();
    if (summary === null || summary === undefined) {
      if (values.json) console.log(JSON.stringify({ status, error: tasks[0]?.message ?? null }, null, 2));
      return 1;
    }
    const report = summary as unknown as Report;
    if (values.json) console.log(JSON.stringify(report, null, 2));
    else printReport(report);
    const isDone = Object.keys(report.unsearched).length === 0 && report.waiting.length === 0;
    return status === "SUCCESS" && isDone ? 0 : 1;
  });
}

function printReport({ places, unsearched, waiting, old_versions_until }: Report): void {
  const rows = places.map((place) => [place.name, place.removed, place.searched, place.old_versions_until]);
  const columns = ["place", "removed", "files searched", "old versions could show it until the upkeep of"];
  for (const line of textTable(columns, rows)) console.log(line);
  console.log(`What had left a table before may be in old versions until the upkeep of ${old_versions_until}.`);
  for (const [file, reason] of Object.entries(unsearched)) {
    console.log(`Look into ${printable(file)} yourself: ${printable(reason)}.`);
  }
  for (const file of waiting) {
    console.log(`${printable(file)} waits to be loaded and has it: load it, and erase once more.`);
  }
}
