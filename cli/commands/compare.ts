/** `order-tracking compare`: what the code of this checkout does to rows that the code of a commit does otherwise. */
import { findRowChanges } from "../../review/rows.ts";
import { environmentOption, parseArguments, UsageError } from "../arguments.ts";
import { arrivalsOf } from "../arrivals.ts";
import { INTERRUPTED } from "../job-session.ts";
import { Progress } from "../progress.ts";
import { compareRows } from "../row-changes.ts";

export const usage = `Usage: npm run -s order-tracking -- compare COMMIT [FILE...] [--environment NAME] [--json]

Loads the same files twice on this machine, with the job of COMMIT and with that of this checkout, each into tables of its
own that are gone afterwards, and shows what came of them otherwise. Without FILEs: the samples.

  --environment NAME  whose job (default: dev)
  --json              print one JSON document

Exit code: 0 nothing is otherwise, 2 something is, 3 something that needs a second look, 1 an error.
`;

/** A mistake is an error, since 2 says that something is otherwise. */
export const mistakeCode = 1;

/** Loads, compares, and tells. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { ...environmentOption, json: { type: "boolean", default: false } },
  });
  const [commit, ...files] = positionals;
  if (commit === undefined) throw new UsageError("give a commit, such as main or HEAD~1");
  const arrivals = arrivalsOf(files);
  const comparison = await compareRows(commit, values.environment, arrivals, new Progress(values.json));
  if (comparison === undefined) return INTERRUPTED;
  const findings = findRowChanges(comparison, `${values.environment}-pipeline`);
  if (values.json) console.log(JSON.stringify(comparison, null, 2));
  else {
    for (const { headline, details, needsSecondLook } of findings)
      console.log([`${needsSecondLook ? "⚠ " : ""}${headline}`, ...details.map((each) => `    ${each}`)].join("\n"));
  }
  if (findings.some(({ needsSecondLook }) => needsSecondLook)) return 3;
  return comparison.changes.length + comparison.newColumns.length > 0 ? 2 : 0;
}
