/**
 * How long the laptop's commands take, with a Spark of each command's own and with the one that stays warm. Exits with 1
 * where a warm answer takes more than 1.5 s, a warm start more than 12 s, or a cold start more than 0.65 of the old way.
 *
 *     node --import tsx bench/laptop.ts
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { QUERY, TRACKING_NUM } from "./laptop-commands.ts";

const MOST_SECONDS_OF_AN_ANSWER = 1.5;
const MOST_SECONDS_OF_A_WARM_START = 12;
const LARGEST_SHARE_OF_A_COLD_START = 0.65;
const ANSWERS = 7;
const STARTS = 3;

const root = path.dirname(__dirname);
const home = path.join(mkdtempSync(path.join(os.tmpdir(), "order-tracking-bench-")), "home");

/** Runs a command, and returns its seconds. */
function time(args: readonly string[]): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.join(" ")} failed:\n${stderr}`);
  return (performance.now() - started) / 1000;
}

const command = (...args: string[]) => time([path.join(root, "bin", "order-tracking.mjs"), ...args]);
const ownProcess = (name: string, at = home) =>
  time(["--import", "tsx", path.join(__dirname, "own-process.ts"), name, at]);

function median(seconds: readonly number[]): number {
  return [...seconds].sort((one, other) => one - other)[Math.floor(seconds.length / 2)] ?? NaN;
}

function repeat(times: number, measured: () => number): number {
  return median(Array.from({ length: times }, measured));
}

function main(): number {
  command("spark", "stop");
  command("start", "--home", home);
  const copy = `${home}-of-the-old-way`; // Both ways start the day with the same tables.
  cpSync(home, copy, { recursive: true });
  const cold = Array.from({ length: STARTS }, () => {
    command("spark", "stop");
    return { now: command("start", "--home", home), old: ownProcess("start", copy) };
  });
  const coldNew = median(cold.map(({ now }) => now));
  const coldOld = median(cold.map(({ old }) => old));
  const warmStart = repeat(STARTS, () => command("start", "--home", home));
  const track = repeat(ANSWERS, () => command("track", TRACKING_NUM, "--home", home));
  const query = repeat(ANSWERS, () => command("query", QUERY, "--home", home));
  const rows = [
    ["first npm start of a day", coldOld, coldNew, coldOld * LARGEST_SHARE_OF_A_COLD_START],
    ["npm start after that", coldOld, warmStart, MOST_SECONDS_OF_A_WARM_START],
    ["track", repeat(2, () => ownProcess("track", copy)), track, MOST_SECONDS_OF_AN_ANSWER],
    ["query", repeat(2, () => ownProcess("query", copy)), query, MOST_SECONDS_OF_AN_ANSWER],
  ] as const;
  console.log(`${os.cpus().length} cores, seconds: Spark in a process of the command's own, Spark that stays, allowed`);
  for (const [what, old, now, allowed] of rows) {
    const numbers = [old, now, allowed].map((seconds) => seconds.toFixed(2).padStart(7)).join("");
    console.log(`  ${what.padEnd(26)}${numbers}  ratio ${(now / old).toFixed(2)}${now > allowed ? "  too slow" : ""}`);
  }
  return rows.some(([, , now, allowed]) => now > allowed) ? 1 : 0;
}

try {
  process.exitCode = main();
} finally {
  rmSync(path.dirname(home), { recursive: true });
}
