/** What the page asks the tables of a home. */
import type { Home } from "../local/home.ts";
import { NotebookKernel, type Row } from "../local/notebook-kernel.ts";
import { homeState } from "./home-state.ts";
import { savedQuery } from "./saved-queries.ts";

type Kernel = Pick<NotebookKernel, "query" | "stop">;

/** Answers saved queries. */
export interface Tables {
  /**
   * The rows of a saved query, `maxRows` of them at most.
   *
   * @param parameters what `:name` in it stands for
   * @throws Error where Spark refuses it, as where nothing has been loaded yet
   */
  rows(query: string, maxRows: number, parameters?: Readonly<Record<string, string>>): Promise<readonly Row[]>;
}

/** Rows of a download: more of them would not fit into the memory of Spark's process for this page. */
export const MAX_DOWNLOADED = 50_000;

/** For as long an answer about unchanged tables stays: some queries are about the last days. */
const FRESH_MS = 600_000;

/** Answers that are kept; beyond these, all are forgotten. */
const MAX_ANSWERS = 200;

/** For how long Spark is kept when it has answered: whoever holds on to a home's session keeps Spark from ending. */
const LET_GO_AFTER_MS = 5000;

/**
 * Conversations with Spark at once, each of which answers one question after another: a view asks several, and much of
 * each answer is planning, which keeps one core busy.
 */
const CONVERSATIONS = 2;

/** Asks Spark, and remembers its answers for as long as the tables are as they were. */
export class SparkTables implements Tables {
  readonly #home: Home;
  readonly #conversations: readonly { readonly kernel: Kernel; waiting: number }[];
  readonly #answers = new Map<string, { readonly rows: Promise<readonly Row[]>; readonly since: number }>();
  #state = "";
  #letGo: NodeJS.Timeout | undefined;

  constructor(
    home: Home,
    kernels: readonly Kernel[] = Array.from({ length: CONVERSATIONS }, () => new NotebookKernel(home)),
  ) {
    this.#home = home;
    this.#conversations = kernels.map((kernel) => ({ kernel, waiting: 0 }));
  }

  async rows(
    query: string,
    maxRows: number,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<readonly Row[]> {
    const state = homeState(this.#home);
    if (state !== this.#state || this.#answers.size > MAX_ANSWERS) this.#answers.clear();
    this.#state = state;
    const key = JSON.stringify([query, maxRows, parameters]);
    const known = this.#answers.get(key);
    if (known !== undefined && performance.now() - known.since < FRESH_MS) return known.rows;
    const rows = this.#ask(savedQuery(query, maxRows), parameters);
    this.#answers.set(key, { rows, since: performance.now() });
    rows.catch(() => this.#answers.delete(key));
    return rows;
  }

  /** Lets go of Spark. */
  async close(): Promise<void> {
    clearTimeout(this.#letGo);
    await this.#stop();
  }

  /** Asks where the fewest questions wait. */
  async #ask(sql: string, parameters: Readonly<Record<string, string>>): Promise<readonly Row[]> {
    clearTimeout(this.#letGo);
    const chosen = this.#conversations.reduce((one, other) => (other.waiting < one.waiting ? other : one));
    chosen.waiting += 1;
    try {
      return (await chosen.kernel.query(sql, parameters)).rows;
    } finally {
      chosen.waiting -= 1;
      if (this.#conversations.every(({ waiting }) => waiting === 0))
        this.#letGo = setTimeout(() => void this.#stop(), LET_GO_AFTER_MS).unref();
    }
  }

  async #stop(): Promise<void> {
    await Promise.all(this.#conversations.map(({ kernel }) => kernel.stop()));
  }
}
