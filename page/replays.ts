/** Replays that people start on the page: the command `replay`, one at a time. */
import { spawn } from "node:child_process";
import path from "node:path";
import type { Home } from "../local/home.ts";
import { lastEnvironment } from "../local/synthesized-job.ts";
import { counted } from "./pieces.ts";

const command = path.join(__dirname, "../bin/order-tracking.mjs");

/** The command's exit code where it was called wrongly. */
const MISTAKE = 2;

/** What is loaded again. */
export interface ReplayRequest {
  readonly source: "quarantine" | "rejected";
  /** `BATCH/PATH`, the path as the ledger has it; all where there is none. */
  readonly file?: string;
}

/** The last replay that was started. */
export interface Replay extends ReplayRequest {
  /** What it does now, or what came of it. */
  readonly sentence: string;
  /** Undefined while it goes on. */
  readonly succeeded?: boolean;
}

/** A run, as the command's JSON document tells of it. */
interface Run {
  readonly tasks: readonly {
    readonly summary: Readonly<Record<string, unknown>> | null;
    readonly error: string | null;
  }[];
}

/** What became of a file, as the task that read it tells of it. */
type FileOutcome = Readonly<Record<string, unknown>> & {
  readonly path: string;
  readonly outcome: string;
  /** Why it was not loaded. */
  readonly reason?: string | null;
};

/** The part of the command's JSON document that is shown. */
interface ReplayDocument {
  readonly replay: Run & { readonly files: readonly string[] };
  readonly runs: readonly Run[];
}

/** Starts replays, and knows what came of the last one. */
export class Replays {
  readonly #home: Home;
  #last: Replay | undefined;

  constructor(home: Home) {
    this.#home = home;
  }

  get last(): Replay | undefined {
    return this.#last;
  }

  /**
   * Starts a replay.
   *
   * @returns false where one goes on already
   */
  start({ source, file }: ReplayRequest): boolean {
    if (this.#last !== undefined && this.#last.succeeded === undefined) return false;
    const about = { source, file };
    this.#last = { ...about, sentence: "Starting" };
    const environment = lastEnvironment(this.#home.synthesized) ?? "dev";
    const options = ["--json", "--from", source, "--home", this.#home.directory, "--environment", environment];
    const child = spawn(
      process.execPath,
      [command, "replay", ...options, "--", ...(file === undefined ? [] : [file])],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => {
      stderr += text.toString();
      this.#last = { ...about, sentence: lastLine(stderr) };
    });
    child.on("error", ({ message }) => (stderr = message));
    child.on("close", (code) => {
      // After a mistake comes the command's usage.
      const [mistake = ""] = stderr.split("\n");
      const sentence = told(stdout) ?? (code === MISTAKE ? mistake : lastLine(stderr));
      this.#last = { ...about, succeeded: code === 0, sentence };
    });
    return true;
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

/** What a replay's document says in a sentence; undefined where there is none, as after a mistake. */
export function told(document: string): string | undefined {
  let parsed: ReplayDocument;
  try {
    parsed = JSON.parse(document) as ReplayDocument;
  } catch {
    return undefined;
  }
  const { replay, runs } = parsed;
  const tasks = runs.flatMap((run) => run.tasks);
  const errors = [...replay.tasks, ...tasks].flatMap(({ error }) => error ?? []);
  // A replay that failed names no file, though it may have put back some: its error says how many.
  if (replay.tasks.some(({ error }) => error !== null)) return errors.join(" ");
  const left = replay.tasks.flatMap(({ summary }) =>
    Object.entries((summary?.left as Record<string, string> | undefined) ?? {}),
  );
  const reasons = left.map(([file, reason]) => `${file}: ${reason}.`);
  return [...putBack(replay.files, tasks), ...reasons, ...errors].join(" ");
}

/** What came of the files that were put back, and of those that waited beside them. */
function putBack(paths: readonly string[], tasks: Run["tasks"]): string[] {
  const sum = (rows: readonly Readonly<Record<string, unknown>>[], name: string) =>
    rows.reduce((all, { [name]: value }) => all + (typeof value === "number" ? value : 0), 0);
  const summaries = tasks.map(({ summary }) => summary ?? {});
  const files = summaries.flatMap((summary) => (summary.files as readonly FileOutcome[] | undefined) ?? []);
  const put = new Set(paths);
  const own = files.filter((file) => put.has(file.path));
  const others = files.filter((file) => file.outcome === "staged" && !put.has(file.path)).length;
  const came =
    put.size === 0
      ? "Nothing of that could be put back"
      : `${counted(put.size, "file")} put back: ${counted(sum(own, "rows_staged"), "row")} loaded, ${sum(own, "rows_quarantined")} quarantined again`;
  // Of orders it is not told which file has changed them.
  const orders = `${counted(sum(summaries, "inserted"), "order")} new, ${sum(summaries, "updated")} changed.`;
  const counts =
    others > 0
      ? [`${came}.`, `The run loaded ${counted(others, "other file")} that waited; in all, ${orders}`]
      : [put.size === 0 ? `${came}.` : `${came}, ${orders}`];
  // The run may succeed all the same: an environment allows for some rejected files.
  const notLoaded = own.filter(({ outcome }) => outcome !== "staged");
  const reasons = notLoaded.map((file) => [`${file.path}: ${file.outcome}`, file.reason].filter(Boolean).join(", "));
  return [...counts, ...reasons.map((reason) => `${reason}.`)];
}
