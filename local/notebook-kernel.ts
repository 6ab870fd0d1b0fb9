/** The conversation with Spark about one home: notebooks and SQL on its tables. */
import type { Home } from "./home.ts";
import { idleMinutes, openSpark, sparkLog, type SparkConnection } from "./spark-server.ts";
import { readCatalogs, readSchema } from "./synthesized-job.ts";

/** A row of a query's result: values as JSON holds them. */
export type Row = Readonly<Record<string, unknown>>;

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** How far Spark is with what a client has asked for: its tasks so far, and the rows that they have read. */
export interface SparkProgress {
  readonly tasks: number;
  readonly tasks_done: number;
  readonly rows: number;
}

/** What was asked of the kernel went wrong there: a notebook's exception, or a mistake in a query. */
export class KernelError extends Error {}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  /** The first ones of many rows; the result has the last ones. */
  readonly rows?: readonly Row[];
  readonly progress?: SparkProgress;
}

interface Conversation {
  readonly connection: Promise<SparkConnection>;
  readonly waiting: Map<number, (answer: Answer) => void>;
  readonly stopped: AbortController;
}

/** Runs notebooks and SQL on the tables of one home, in the Spark that all commands of this checkout share. */
export class NotebookKernel {
  readonly #home: Home;
  #conversation: Conversation | undefined;
  readonly #onProgress: (progress: SparkProgress) => void;
  #lastId = 0;
  #stopping: Promise<void> | undefined;

  /** @param onProgress told every second or so while Spark is at work */
  constructor(home: Home, onProgress: (progress: SparkProgress) => void = () => undefined) {
    this.#home = home;
    this.#onProgress = onProgress;
  }

  /**
   * Has Spark ready for this home, so that it is warm when it is needed; to start it takes seconds.
   *
   * @throws Error where that cannot be
   */
  async start(): Promise<void> {
    this.#conversation ??= this.#open();
    await this.#conversation.connection;
  }

  /**
   * Runs a notebook; its prints go to the file `log`.
   *
   * @returns what it handed to `dbutils.notebook.exit`
   * @throws KernelError where the notebook fails; the signal's reason where that aborts, after the notebook has ended
   */
  async runNotebook(
    file: string,
    parameters: Readonly<Record<string, string>>,
    log: string,
    signal: AbortSignal,
  ): Promise<string | null> {
    const abort = () => void this.stop();
    signal.throwIfAborted();
    signal.addEventListener("abort", abort, { once: true });
    try {
      const { output } = (await this.#ask({ run_notebook: { path: file, parameters, log } })) as {
        output: string | null;
      };
      return output;
    } catch (error) {
      if (signal.aborted) await this.stop();
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /**
   * Runs SQL that only reads; `:name` in it stands for a parameter, a bare name for a table of the schema of the job that
   * ran here, and a name with the catalog that the tables have in a workspace for the table that is here.
   *
   * @throws KernelError where Spark refuses the query, or it would change something
   */
  async query(query: string, parameters: Readonly<Record<string, string>> = {}): Promise<QueryResult> {
    return this.#run(query, parameters, false);
  }

  /** What a statement does beside reading, in Spark's words, such as "delete from table"; null if nothing. */
  async changeOf(query: string): Promise<string | null> {
    return (await this.#ask({ change_of: { query } })) as string | null;
  }

  /** Runs SQL that may change what is there; otherwise as {@link query}. */
  async change(query: string): Promise<QueryResult> {
    return this.#run(query, {}, true);
  }

  async #run(query: string, parameters: Readonly<Record<string, string>>, mayChange: boolean): Promise<QueryResult> {
    const schema = readSchema(this.#home.synthesized) ?? null;
    const catalogs = readCatalogs(this.#home.synthesized);
    const request = { sql: { query, parameters, schema, catalogs, may_change: mayChange } };
    const all: Row[] = [];
    const { columns, rows } = (await this.#ask(request, (first) => all.push(...first))) as QueryResult;
    all.push(...rows);
    return { columns, rows: all };
  }

  /**
   * Lets go of Spark, which ends what it is doing for this home, and goes on for others. Whoever asks while that is under
   * way waits for it as well.
   */
  async stop(): Promise<void> {
    const conversation = this.#conversation;
    this.#conversation = undefined;
    if (conversation !== undefined) this.#stopping = letGo(conversation);
    await this.#stopping;
  }

  async #ask(request: object, onRows: (rows: readonly Row[]) => void = () => undefined): Promise<unknown> {
    const conversation = (this.#conversation ??= this.#open());
    const connection = await conversation.connection;
    const id = (this.#lastId += 1);
    const answer = await new Promise<Answer>((resolve) => {
      conversation.waiting.set(id, (part) => {
        if (part.rows === undefined) resolve(part);
        else onRows(part.rows);
      });
      connection.write({ id, ...request });
    });
    if (answer.error !== undefined) throw new KernelError(answer.error.message);
    return answer.result;
  }

  #open(): Conversation {
    const stopped = new AbortController();
    const request = {
      tables: this.#home.tables,
      command: process.argv.slice(2).join(" "),
      pid: process.pid,
      idle_minutes: idleMinutes(),
    };
    const connection = openSpark(request, stopped.signal);
    const conversation = { connection, waiting: new Map<number, (answer: Answer) => void>(), stopped };
    const end = (error: Error) => {
      if (this.#conversation === conversation) this.#conversation = undefined;
      for (const resolve of conversation.waiting.values()) resolve({ error });
    };
    // Whoever waits for the connection gets its error, too.
    connection
      .then((opened) => listen(opened, conversation.waiting, this.#onProgress))
      .then(
        () => {
          end(
            new KernelError(
              `Spark ended unexpectedly; see ${sparkLog}, or spark.previous.log beside it once another started`,
            ),
          );
        },
        (error: unknown) => {
          end(error as Error);
        },
      );
    return conversation;
  }
}

async function letGo({ connection, stopped }: Conversation): Promise<void> {
  stopped.abort(new KernelError("Spark was let go of"));
  const opened = await connection.catch(() => undefined);
  await opened?.end();
}

/** Hands each answer to who waits for it, until the connection ends. */
async function listen(
  connection: SparkConnection,
  waiting: Map<number, (answer: Answer) => void>,
  onProgress: (progress: SparkProgress) => void,
): Promise<void> {
  for (let line = await connection.next(); line !== undefined; line = await connection.next()) {
    const answer = line as Answer;
    if (answer.progress !== undefined) onProgress(answer.progress);
    if (answer.id === undefined) continue;
    waiting.get(answer.id)?.(answer);
    if (answer.rows === undefined) waiting.delete(answer.id);
  }
}
