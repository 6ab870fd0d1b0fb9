/** Loads the same files with the job of another commit and with that of this checkout, and compares what came of them. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { deliver } from "../local/landing-directory.ts";
import type { NotebookKernel, Row } from "../local/notebook-kernel.ts";
import { readEnvironments, readLoadJob } from "../local/synthesized-job.ts";
import type { RowChange, RowChangeKind, RowComparison, RowExample } from "../review/rows.ts";
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
    const base = new Side(path.join(scratch, "base"), checkout);
    const head = new Side(path.join(scratch, "head"), root);
    let comparison: RowComparison | undefined;
    const code = await base.load(environment, arrivals, progress, commit);
    if (code === INTERRUPTED) return undefined;
    await head.load(environment, arrivals, progress, "this checkout", async (session) => {
      comparison = await compare(session, head.rejected, base, commit, arrivals.flat().length);
    });
    return comparison;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Writes the files of a commit into a folder, and leaves the checkout, its index and its branches alone. */
async function checkOut(commit: string, directory: string): Promise<void> {
  const env = { ...process.env, GIT_INDEX_FILE: `${directory}.index` };
  const git = async (...args: string[]) => promisify(execFile)("git", args, { cwd: root, env });
  try {
    await git("rev-parse", "--verify", "--quiet", `${commit}^{commit}`);
  } catch (error) {
    throw new UsageError(`there is no commit ${commit} in this repository`, { cause: error });
  }
  mkdirSync(directory);
  await git("read-tree", `${commit}^{commit}`);
  await git("checkout-index", "--all", `--prefix=${directory}${path.sep}`);
  if (!existsSync(path.join(directory, "main.ts"))) throw new UsageError(`${commit} has no stacks: it has no main.ts`);
  // Its own packages are those of its own lock file; that these serve as well is likely, and quicker by minutes.
  symlinkSync(path.join(root, "node_modules"), path.join(directory, "node_modules"));
}

/** One of the two: what is loaded, by whose code, and what was rejected. */
class Side {
  readonly #home: string;
  readonly #checkout: string;
  rejected: readonly RowExample[] = [];

  constructor(home: string, checkout: string) {
    this.#home = home;
    this.#checkout = checkout;
  }

  /** @returns an exit code */
  async load(
    environment: string,
    arrivals: readonly (readonly string[])[],
    progress: Progress,
    name: string,
    andThen: (session: JobSession) => Promise<void> = () => Promise.resolve(),
  ): Promise<number> {
    const work = async (session: JobSession) => {
      const { job, kernel, interrupted } = session;
      for (const files of arrivals) {
        for (const file of files) deliver(file, job.landingDirectory);
        progress.step(`Loading ${files.length} files with the code of ${name}`);
        const run = await job.run("file_arrival", interrupted, () => undefined);
        interrupted.throwIfAborted();
        if (!hasLanded(run)) {
          const [failed] = run.tasks.filter(({ message }) => message !== null);
          throw new Error(`the job of ${name} failed: ${failed?.key}: ${failed?.message}`);
        }
      }
      progress.step("Comparing the tables");
      const { rows } = await kernel.query(REJECTED);
      this.rejected = rows.map(({ name, reason }) => ({ name: String(name), reason: String(reason) }));
      await andThen(session);
      return 0;
    };
    return withJobSession(this.#home, environment, progress, work, this.#checkout);
  }

  /** A table of this side, as any Spark on this machine reads it. */
  table(name: "orders_table" | "quarantined_orders_table"): string {
    const synthesized = path.join(this.#home, "synthesized");
    const [environment = ""] = readEnvironments(synthesized);
    const { schema = "", operations_schema = "" } = readLoadJob(synthesized, environment).parameters;
    const folder = `${name === "orders_table" ? schema : operations_schema}.db`;
    return `delta.\`${path.join(this.#home, "tables", folder, name)}\``;
  }
}

/** What came of the files here, and what of it is otherwise than on the other side. */
async function compare(
  { kernel }: JobSession,
  rejected: readonly RowExample[],
  base: Side,
  commit: string,
  files: number,
): Promise<RowComparison> {
  const [ours, theirs] = ["orders_table", base.table("orders_table")];
  const [inOurs, inTheirs] = [await columnsOf(kernel, ours), await columnsOf(kernel, theirs)];
  const quarantine = "operations.quarantined_orders_table";
  const { rows: totals } = await kernel.query(
    `SELECT (SELECT count(*) FROM ${ours}) AS orders, (SELECT count(*) FROM ${quarantine}) AS quarantined`,
  );
  const columns = inOurs.filter((name) => inTheirs.includes(name));
  const orders = await kernel.query(differenceOf(ordersOf(theirs, columns), ordersOf(ours, columns), ORDER_KINDS));
  const quarantined = await kernel.query(
    differenceOf(quarantinedIn(base.table("quarantined_orders_table")), quarantinedIn(quarantine), QUARANTINE_KINDS),
  );
  return {
    base: commit,
    files,
    orders: Number(totals[0]?.orders),
    quarantined: Number(totals[0]?.quarantined),
    newColumns: inOurs.filter((name) => !inTheirs.includes(name)),
    lostColumns: inTheirs.filter((name) => !inOurs.includes(name)),
    changes: [
      ...changesIn(orders.rows),
      ...changesIn(quarantined.rows),
      ...changeOf("rejected", withoutNamesOf(rejected, base.rejected)),
      ...changeOf("accepted", withoutNamesOf(base.rejected, rejected)),
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
  const kinds = new Map<RowChangeKind, RowChange>();
  for (const { kind, rows: count, name, before, after } of rows) {
    const known = kinds.get(kind as RowChangeKind)?.examples ?? [];
    const example = { name: String(name), ...sideOf("before", before), ...sideOf("after", after) };
    kinds.set(kind as RowChangeKind, {
      kind: kind as RowChangeKind,
      count: Number(count),
      examples: [...known, example],
    });
  }
  return [...kinds.values()];
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

function changeOf(kind: RowChangeKind, examples: readonly RowExample[]): readonly RowChange[] {
  return examples.length === 0 ? [] : [{ kind, count: examples.length, examples: examples.slice(0, EXAMPLES) }];
}
