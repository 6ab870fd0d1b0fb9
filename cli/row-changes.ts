/** Loads the same files with the job of another commit and with that of this checkout, and compares what came of them. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { git } from "../deploy/git.ts";
import { deliver, UNFINISHED_GRACE_MS } from "../local/landing-directory.ts";
import type { NotebookKernel, Row } from "../local/notebook-kernel.ts";
import {
  ROW_CHANGES,
  type RowChange,
  type RowChangeKind,
  type RowComparison,
  type RowExample,
} from "../review/rows.ts";
import { UsageError } from "./arguments.ts";
import { INTERRUPTED, type JobSession, withJobSession } from "./job-session.ts";
import { hasLanded } from "./load-report.ts";
import type { Progress } from "./progress.ts";

const root = path.dirname(__dirname);

/** What orders are told apart by. */
const KEY = "tracking_num";
/** Rows or files of one kind that are shown. */
const EXAMPLES = 3;

const REJECTED = `
  SELECT path AS name, max(reason) AS reason FROM operations.loaded_files_table WHERE state = 'REJECTED'
  GROUP BY path ORDER BY path`;

/**
 * Runs both jobs on this machine, each on tables of its own that are gone afterwards.
 *
 * @param commit what the other code is checked out from
 * @param arrivals files, of each arrival in their order
 * @returns undefined where Ctrl-C came in between
 * @throws UsageError where there is no such commit
 * @throws Error where one of the two cannot be synthesized, or its job fails before the data has landed
 */
export async function compareRows(
  commit: string,
  environment: string,
  arrivals: readonly (readonly string[])[],
  progress: Progress,
): Promise<RowComparison | undefined> {
  const scratch = mkdtempSync(path.join(tmpdir(), "order-tracking-compare-"));
  try {
    const checkout = path.join(scratch, "checkout");
    await checkOut(commit, checkout);
    const sides = {
      base: { name: commit, home: path.join(scratch, "base"), checkout },
      head: { name: "this checkout", home: path.join(scratch, "head"), checkout: root },
    };
    const base = await load(sides.base, environment, arrivals, progress, (_, loaded) => Promise.resolve(loaded));
    if (base === undefined) return undefined;
    return await load(sides.head, environment, arrivals, progress, ({ kernel }, head) =>
      compare(kernel, base, head, commit, arrivals.flat().length),
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Writes the files of a commit into a folder, and leaves the checkout, its index and its branches alone. */
async function checkOut(commit: string, directory: string): Promise<void> {
  const env = { ...process.env, GIT_INDEX_FILE: `${directory}.index` };
  try {
    await git(["rev-parse", "--verify", "--quiet", `${commit}^{commit}`]);
  } catch (error) {
    throw new UsageError(`there is no commit ${commit} in this repository`, { cause: error });
  }
  mkdirSync(directory);
  await git(["read-tree", `${commit}^{commit}`], env);
  await git(["checkout-index", "--all", `--prefix=${directory}${path.sep}`], env);
  if (!existsSync(path.join(directory, "main.ts"))) throw new UsageError(`${commit} has no stacks: it has no main.ts`);
  // Its own packages are those of its own lock file; that these serve as well is likely, and quicker by minutes.
  symlinkSync(path.join(root, "node_modules"), path.join(directory, "node_modules"));
}

/** One of the two: whose code, and where its tables are. */
interface Side {
  readonly name: string;
  readonly home: string;
  readonly checkout: string;
}

/** What came of the files on one side: tables, as any Spark on this machine reads them, and files that were not taken. */
interface Loaded {
  readonly orders: string;
  readonly quarantine: string;
  readonly rejected: readonly RowExample[];
}

/**
 * Loads the files with the code of one side.
 *
 * @returns what `look` makes of it while Spark has the tables open; undefined where Ctrl-C came in between
 */
async function load<Result>(
  { name, home, checkout }: Side,
  environment: string,
  arrivals: readonly (readonly string[])[],
  progress: Progress,
  look: (session: JobSession, loaded: Loaded) => Promise<Result>,
): Promise<Result | undefined> {
  let result: Result | undefined;
  const work = async (session: JobSession) => {
    const { job, kernel, interrupted } = session;
    for (const files of arrivals) {
      for (const file of files) {
        deliver(file, job.landingDirectory, UNFINISHED_GRACE_MS);
      }
      progress.step(`Loading ${files.length} files with the code of ${name}`);
      const run = await job.run(interrupted, () => undefined);
      interrupted.throwIfAborted();
      if (!hasLanded(run)) {
        const [failed] = run.tasks.filter(({ message }) => message !== null);
        throw new Error(`the job of ${name} failed: ${failed?.key}: ${failed?.message}`);
      }
    }
    progress.step("Comparing the tables");
    const { rows } = await kernel.query(REJECTED);
    const { schema, operations_schema: operations } = job.job.parameters;
    const table = (folder: string | undefined, of: string) =>
      `delta.\`${path.join(session.home.tables, `${folder}.db`, of)}\``;
    result = await look(session, {
      orders: table(schema, "orders_table"),
      quarantine: table(operations, "quarantined_orders_table"),
      rejected: rows.map((row) => ({ name: String(row.name), reason: String(row.reason) })),
    });
    return 0;
  };
  const code = await withJobSession(home, environment, progress, work, checkout);
  return code === INTERRUPTED ? undefined : result;
}

/** What came of the files here, and what of it is otherwise than on the other side. */
async function compare(
  kernel: NotebookKernel,
  base: Loaded,
  head: Loaded,
  commit: string,
  files: number,
): Promise<RowComparison> {
  const [inBase, inHead] = [await columnsOf(kernel, base.orders), await columnsOf(kernel, head.orders)];
  const { rows: totals } = await kernel.query(
    `SELECT (SELECT count(*) FROM ${head.orders}) AS orders, (SELECT count(*) FROM ${head.quarantine}) AS quarantined`,
  );
  const columns = inHead.filter((name) => inBase.includes(name));
  const orders = await kernel.query(
    differenceOf(ordersOf(base.orders, columns), ordersOf(head.orders, columns), ORDER_KINDS),
  );
  const quarantined = await kernel.query(
    differenceOf(quarantinedIn(base.quarantine), quarantinedIn(head.quarantine), QUARANTINE_KINDS),
  );
  return {
    base: commit,
    files,
    orders: Number(totals[0]?.orders),
    quarantined: Number(totals[0]?.quarantined),
    newColumns: inHead.filter((name) => !inBase.includes(name)),
    lostColumns: inBase.filter((name) => !inHead.includes(name)),
    changes: [
      ...changesIn(orders.rows),
      ...changesIn(quarantined.rows),
      ...changeOf("rejected", withoutNamesOf(head.rejected, base.rejected)),
      ...changeOf("accepted", withoutNamesOf(base.rejected, head.rejected)),
    ],
  };
}

/** The columns that people see; what the pipeline keeps for itself starts with `_`. */
async function columnsOf(kernel: NotebookKernel, table: string): Promise<readonly string[]> {
  const { columns } = await kernel.query(`SELECT * FROM ${table} LIMIT 0`);
  return columns.filter((name) => !name.startsWith("_"));
}

/** What something is called that is on the left only, on the right only, or on both sides and not the same. */
type Kinds = readonly [RowChangeKind, RowChangeKind, RowChangeKind?];
const ORDER_KINDS: Kinds = ["lost", "inserted", "changed"];
const QUARANTINE_KINDS: Kinds = ["released", "quarantined"];

/** As text, since a column may have another type on the other side. */
function ordersOf(table: string, columns: readonly string[]): string {
  const values = columns.map((name) => `CAST(\`${name}\` AS STRING) AS \`${name}\``);
  return `SELECT ${KEY} AS name, struct(${values.join(", ")}) AS value FROM ${table}`;
}

/** Rows in quarantine, by the file that they are in and their number in it. */
function quarantinedIn(table: string): string {
  return `
    SELECT concat(_source_file, ', row ', _row_number) AS name,
           concat_ws('; ', transform(reasons, each -> each.message)) AS value
    FROM ${table}`;
}

/** The first of each kind, and how many there are; what has no kind for both sides only has to be there. */
function differenceOf(left: string, right: string, [onlyLeft, onlyRight, otherwise]: Kinds): string {
  const differs = otherwise === undefined ? "_l.name IS NULL OR _r.name IS NULL" : "NOT (_l.value <=> _r.value)";
  return `
    SELECT kind, rows, name, before, after
    FROM (SELECT *, count(*) OVER (PARTITION BY kind) AS rows, row_number() OVER (PARTITION BY kind ORDER BY name) AS place
          FROM (SELECT CASE WHEN _r.name IS NULL THEN '${onlyLeft}' WHEN _l.name IS NULL THEN '${onlyRight}'
                            ELSE '${otherwise}' END AS kind,
                       coalesce(_r.name, _l.name) AS name, _l.value AS before, _r.value AS after
                FROM (${left}) AS _l FULL OUTER JOIN (${right}) AS _r ON _l.name = _r.name
                WHERE ${differs}))
    WHERE place <= ${EXAMPLES}
    ORDER BY kind, place`;
}

function changesIn(rows: readonly Row[]): readonly RowChange[] {
  return ROW_CHANGES.flatMap((kind) => {
    const ofKind = rows.filter((row) => row.kind === kind);
    const examples = ofKind.map(({ name, before, after }) => ({
      name: String(name),
      ...sideOf("before", before),
      ...sideOf("after", after),
    }));
    return changeOf(kind, examples, Number(ofKind[0]?.rows));
  });
}

/** The values of an order on one side, or why a row is in quarantine. */
function sideOf(side: "before" | "after", value: unknown): Partial<RowExample> {
  if (typeof value === "string") return { reason: value };
  const given = Object.entries((value ?? {}) as Readonly<Record<string, string | null>>);
  return value ? { [side]: Object.fromEntries(given.filter(([, each]) => each !== null)) } : {};
}

function withoutNamesOf(examples: readonly RowExample[], others: readonly RowExample[]): readonly RowExample[] {
  return examples.filter(({ name }) => !others.some((other) => other.name === name));
}

function changeOf(kind: RowChangeKind, examples: readonly RowExample[], count = examples.length): readonly RowChange[] {
  return examples.length === 0 ? [] : [{ kind, count, examples: examples.slice(0, EXAMPLES) }];
}
