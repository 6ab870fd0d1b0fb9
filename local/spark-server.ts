/** The Spark that stays warm for all commands of this checkout (`spark_server.py`): found, started, asked and ended. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, truncateSync } from "node:fs";
import { connect, type Socket } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { sparkEnvironment } from "../bin/spark-environment.mjs";

const root = path.dirname(__dirname);
const environment = path.join(root, ".venv");
const addressFile = path.join(environment, "spark.json");

/** Where Spark's own messages go. */
export const sparkLog = path.join(environment, "spark.log");

/** Those of the Spark before. */
const previousLog = path.join(environment, "spark.previous.log");

/** How long a server may take to say that it is there; it waits for nothing itself, so longer means that it is hung. */
const PATIENCE_MS = 5000;

/** How long a client waits until nothing is left of what it began; the server sees to it also after that. */
const TIME_TO_END_MS = 1500;

/** How many servers in a row may end, or be ended, before somebody has to look at the log. */
const TRIES = 4;

interface Address {
  readonly pid: number;
  readonly socket: string;
}

/** What a server says of itself. */
export interface SparkStatus {
  readonly pid: number;
  readonly user: string;
  /** Seconds since the epoch. */
  readonly since: number;
  readonly memory_mib: number;
  readonly idle_minutes: number;
  readonly clients: readonly {
    readonly pid: number;
    readonly command: string;
    readonly since: number;
    /** Whether it waits for the answer to something. */
    readonly works: boolean;
  }[];
}

/** What a client wants of Spark. */
export interface OpenRequest {
  /** The folder of a home's tables. */
  readonly tables: string;
  /** How people know the client, whose number is `pid`. */
  readonly command: string;
  readonly pid: number;
  readonly idle_minutes: number;
}

/**
 * Minutes without a command after which Spark ends, as ORDER_TRACKING_SPARK_IDLE_MINUTES says; 0 ends it at once.
 *
 * @throws Error where that is no number of minutes
 */
export function idleMinutes(given = process.env.ORDER_TRACKING_SPARK_IDLE_MINUTES): number {
  if (given === undefined || given === "") return 20;
  const minutes = Number(given);
  if (!(minutes >= 0 && minutes < Infinity)) {
    throw new Error(
      `ORDER_TRACKING_SPARK_IDLE_MINUTES is ${given}: give a number of minutes, or 0 to let nothing stay`,
    );
  }
  return minutes;
}

/** A conversation with a server in JSON lines. */
export class SparkConnection {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#ended = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined); // Its end says it all.
    const lines = createInterface({ input: socket });
    // A socket that is destroyed has no "end", for which the lines would wait.
    socket.once("close", () => {
      lines.close();
    });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Says something. */
  write(message: object): void {
    this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** The next line; undefined once the connection has ended, which the signal does, too. */
  async next(signal?: AbortSignal): Promise<object | undefined> {
    if (signal?.aborted) this.destroy();
    const abort = () => {
      this.destroy();
    };
    signal?.addEventListener("abort", abort, { once: true });
    // A connection that breaks has ended, too.
    const line = await this.#lines.next().catch(() => undefined);
    signal?.removeEventListener("abort", abort);
    return line === undefined || line.done ? undefined : (JSON.parse(line.value) as object);
  }

  /** Ends the conversation, and waits until the server has ended what it was about, or for the server to be hung. */
  async end(): Promise<void> {
    this.#socket.end();
    await inTime(this.#ended, TIME_TO_END_MS);
    this.#socket.destroy();
  }

  /** Ends the conversation at once. */
  destroy(): void {
    this.#socket.destroy();
  }
}

/**
 * Has Spark ready for a client: the one that is there, or a new one where there is none, or a dead or a hung one.
 *
 * @throws Error where somebody else needs the one that is there as it is, none can be started, or it cannot read what is
 *   in the home; the signal's reason
 */
export async function openSpark(request: OpenRequest, signal: AbortSignal): Promise<SparkConnection> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const reached = await reach({ open: request }, signal);
    signal.throwIfAborted();
    if (reached === undefined) {
      await startServer(signal);
      signal.throwIfAborted();
      continue;
    }
    const { connection, answer } = reached;
    if ("refused" in answer) {
      connection.destroy();
      throw new Error(`${String(answer.refused)}: end that first`);
    }
    const ready = await connection.next(signal);
    signal.throwIfAborted();
    if (ready === undefined) continue;
    if (!("failed" in ready)) return connection;
    connection.destroy();
    throw new Error(String(ready.failed));
  }
  const doctor = "npm run -s order-tracking -- doctor";
  throw new Error(`Spark does not start: "${doctor}" says what is missing, and ${sparkLog} what happened`);
}

/** What the server says of itself; undefined where there is none. */
export async function sparkStatus(): Promise<SparkStatus | undefined> {
  const reached = await reach({ status: {} });
  reached?.connection.destroy();
  return reached?.answer as SparkStatus | undefined;
}

/** Ends the server and whatever it is doing, and says what that was; undefined where there is none. */
export async function stopSpark(): Promise<SparkStatus | undefined> {
  const reached = await reach({ stop: {} });
  await reached?.connection.end();
  return reached?.answer as SparkStatus | undefined;
}

/** Removes what Spark has said so far, also from the log of one that is there, which goes on in it. */
export function emptySparkLogs(): void {
  rmSync(previousLog, { force: true });
  try {
    truncateSync(sparkLog);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/**
 * Says something to the server, and waits for its answer; undefined where there is none that answers.
 *
 * @throws the signal's reason where that aborts
 */
async function reach(
  message: object,
  signal?: AbortSignal,
): Promise<{ connection: SparkConnection; answer: object } | undefined> {
  const address = readAddress();
  if (address === undefined) return undefined;
  const socket = connect(address.socket);
  try {
    await once(socket, "connect");
  } catch {
    return undefined; // Nobody listens any more.
  }
  const connection = new SparkConnection(socket);
  connection.write(message);
  const answer = await inTime(connection.next(signal), PATIENCE_MS);
  if (answer !== undefined) return { connection, answer };
  connection.destroy();
  signal?.throwIfAborted();
  // Either it was about to end, or it is hung; after this it is gone.
  killGroup(address.pid);
  return undefined;
}

function readAddress(): Address | undefined {
  try {
    return JSON.parse(readFileSync(addressFile, "utf8")) as Address;
  } catch {
    return undefined;
  }
}

/**
 * Starts a server, unless somebody else has done so meanwhile, and waits until it can be asked, or the signal aborts.
 *
 * @throws Error with what it said where it cannot be started
 */
async function startServer(signal: AbortSignal): Promise<void> {
  const child = spawn(path.join(environment, "bin", "python"), [path.join(root, "local", "spark_server.py")], {
    cwd: root,
    // A group of its own: Ctrl-C in the terminal does not reach it, and it outlives whoever started it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: sparkEnvironment(),
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const listens = await new Promise<boolean>((resolve, reject) => {
    child.once("error", reject);
    child.stdout.once("data", () => {
      resolve(true);
    });
    child.once("close", () => {
      resolve(false);
    });
    signal.addEventListener("abort", () => {
      resolve(true); // It ends when nobody comes.
    });
  });
  child.stdout.destroy();
  child.stderr.destroy();
  child.unref();
  // The last line of Python's says what it is; the others say where.
  if (!listens) throw new Error(`Spark cannot be started: ${said.trim().split("\n").at(-1) ?? ""}`);
}

/** What `work` comes to, or undefined where that takes longer. */
async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  const patience = new AbortController();
  const overdue = sleep(milliseconds, undefined, { signal: patience.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, overdue]);
  } finally {
    patience.abort();
  }
}

/** Kills a process group, which may be gone. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
