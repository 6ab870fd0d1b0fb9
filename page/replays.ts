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
  const errors = [replay, ...runs].flatMap((run) => run.tasks.flatMap(({ error }) => error ?? []));
  if (runs.length === 0) {
    const left = replay.tasks.flatMap(({ summary }) =>
      Object.entries((summary?.left as Record<string, string> | undefined) ?? {}),
    );
    const reasons = left.map(([file, reason]) => `${file}: ${reason}.`);
    return errors.length > 0 ? errors.join(" ") : ["Nothing of that could be put back.", ...reasons].join(" ");
  }
  const tasks = runs.flatMap((run) => run.tasks);
  const sum = (name: string) =>
    tasks.reduce((all, { summary }) => all + (typeof summary?.[name] === "number" ? summary[name] : 0), 0);
  // The gate counts the rows of its run once more.
  const [load] = tasks;
  const counts = ["rows_staged", "rows_quarantined"].map((name) => Number(load?.summary?.[name] ?? 0));
  const loaded = `${counted(replay.files.length, "file")} put back: ${counted(counts[0] ?? 0, "row")} loaded, ${counts[1] ?? 0} quarantined again, ${counted(sum("inserted"), "order")} new, ${sum("updated")} changed.`;
  return [loaded, ...errors].join(" ");
}
