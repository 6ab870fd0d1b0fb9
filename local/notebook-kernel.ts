/** One warm Spark session in a process of its own (`kernel.py`), and the conversation with it. */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createWriteStream } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { SCHEMA } from "../stacks/names.ts";
import type { Home } from "./home.ts";

const root = path.dirname(__dirname);
const python = path.join(root, ".venv", "bin", "python");

/** A row of a query's result: values as JSON holds them. */
export type Row = Readonly<Record<string, unknown>>;

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** What was asked of the kernel went wrong there: a notebook's exception, or a mistake in a query. */
export class KernelError extends Error {}

interface Answer {
  readonly id?: number;
  readonly ready?: true;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Process {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly waiting: Map<number, (answer: Answer) => void>;
  readonly ready: Promise<void>;
  readonly ended: Promise<void>;
}

/** Runs notebooks and SQL on the tables of one home. */
export class NotebookKernel {
  /** Where Spark's own messages go. */
  readonly log: string;
  readonly #tables: string;
  #process: Process | undefined;
  #lastId = 0;

  constructor(home: Home) {
    this.#tables = home.tables;
    this.log = path.join(home.logs, "spark.log");
  }

  /** Starts Spark, which takes seconds, so that it is warm when it is needed. */
  async start(): Promise<void> {
    this.#process ??= this.#spawn();
    await this.#process.ready;
  }

  /**
   * Runs a notebook; its prints go to the file `log`.
   *
   * @returns what it handed to `dbutils.notebook.exit`
   * @throws KernelError where the notebook fails; the signal's reason where that aborts, after Spark has ended
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
   * Runs SQL; `:name` in it stands for a parameter.
   *
   * @throws KernelError where Spark refuses the query
   */
  async query(query: string, parameters: Readonly<Record<string, string>> = {}): Promise<QueryResult> {
    return (await this.#ask({ sql: { query, parameters } })) as QueryResult;
  }

  /** Ends Spark, whatever it is doing, and waits until it has let go of every file. */
  async stop(): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running?.child.pid === undefined) return;
    // The group holds Python and Spark's JVM, which clears its temporary files when it is asked to end.
    signalGroup(running.child.pid, "SIGTERM");
    const patience = new AbortController();
    const overdue = sleep(10_000, undefined, { signal: patience.signal }).catch(() => undefined);
    await Promise.race([running.ended, overdue]);
    patience.abort();
    signalGroup(running.child.pid, "SIGKILL");
    await running.ended;
  }

  async #ask(request: object): Promise<unknown> {
    await this.start();
    const running = this.#process;
    if (running === undefined) throw new KernelError("Spark was ended");
    const id = (this.#lastId += 1);
    const answer = await new Promise<Answer>((resolve) => {
      running.waiting.set(id, resolve);
      running.child.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    });
    if (answer.error !== undefined) throw new KernelError(answer.error.message);
    return answer.result;
  }

  #spawn(): Process {
    // A group of its own: Ctrl-C in the terminal reaches this process only, which then decides how to end Spark.
    const child = spawn(python, [path.join(root, "local", "kernel.py"), this.#tables, SCHEMA], {
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stderr.pipe(createWriteStream(this.log, { flags: "a" }));
    const waiting = new Map<number, (answer: Answer) => void>();
    // Settles when the JVM, too, has let go of the pipes.
    const ended = new Promise<void>((resolve) =>
      child
        .once("close", () => {
          resolve();
        })
        .once("error", () => {
          resolve();
        }),
    );
    const ready = new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const answer = JSON.parse(line) as Answer;
        if (answer.ready) resolve();
        else if (answer.id !== undefined) {
          waiting.get(answer.id)?.(answer);
          waiting.delete(answer.id);
        }
      });
      void ended.then(() => {
        const message = `Spark ended unexpectedly; see ${this.log}`;
        if (this.#process?.child === child) this.#process = undefined;
        reject(new KernelError(message));
        for (const resolveWaiting of waiting.values()) resolveWaiting({ error: { message } });
      });
    });
    // Whoever asks next gets this error; nobody may be asking at the moment.
    ready.catch(() => undefined);
    child.stdin.on("error", () => undefined);
    return { child, waiting, ready, ended };
  }
}

/** Sends a signal to a process group, which may be gone. */
function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
