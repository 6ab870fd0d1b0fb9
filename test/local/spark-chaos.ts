/**
 * Disturb the warm Spark at random moments, many times: `npm run test:chaos:spark [-- --rounds N --seed N]`.
 *
 * In each round commands run, alone or two at once, and something happens to them: Ctrl-C, a kill of the command, of the
 * server or of Java, another file under local/, a full disk. Whatever a command that was not killed says must be right, or
 * a sentence; once its Spark is killed it must say so within 10 s. After each round everything that had arrived must be in
 * the orders, once, and in the end nothing may be left. The seed, which is printed, gives the same choices again.
 */
import { appendFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Finished } from "../cli/order-tracking.ts";
import { CheckoutCopy, type Running } from "./checkout-copy.ts";

const DISTURBANCES = ["nothing", "Ctrl-C", "kill", "kill server", "kill java", "change", "full disk"] as const;

/** After its Spark is gone. */
const MOST_SECONDS_TO_NOTICE = 10;
/** Also where Spark has to be started, on a machine that has much else to do. */
const MOST_SECONDS_OF_A_COMMAND = 120;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "200" }, seed: { type: "string", default: String(Date.now() % 1e6) } },
});

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Chaos {
  readonly #checkout = new CheckoutCopy();
  readonly #home = path.join(this.#checkout.folder, "home");
  readonly #random: () => number;
  /** Orders that must be there, and those that may: the command was killed, perhaps before it delivered their file. */
  readonly #loaded = new Set<string>();
  readonly #perhaps = new Set<string>();
  #orders = 0;
  #hasSmallDisk = false;

  constructor(seed: number) {
    this.#random = randomNumbers(seed);
  }

  async run(rounds: number): Promise<void> {
    try {
      await this.#load();
      for (let round = 1; round <= rounds; round += 1) console.log(`round ${round}: ${await this.#round()}`);
      await this.#checkout.run(["spark", "stop"]);
      await sleep(1000); // The server has said its last word by then, and its process is about to end.
      assert(this.#checkout.leftBehind().length === 0, `left behind: ${this.#checkout.leftBehind().join(", ")}`);
    } finally {
      // Whoever still has a file open there does not matter any more.
      if (this.#hasSmallDisk) execFileSync("umount", ["--lazy", this.#checkout.temporary]);
      this.#checkout.remove();
    }
  }

  async #round(): Promise<string> {
    const disturbance = this.#choose(DISTURBANCES);
    const ballast = disturbance === "full disk" ? this.#fillDisk() : undefined;
    const count = this.#random() < 0.3 ? 2 : 1;
    const commands = Array.from({ length: count }, () => this.#choose(["query", "query", "track", "start"] as const));
    const disturbed = !["nothing", "change"].includes(disturbance);
    if (disturbance === "change") appendFileSync(path.join(this.#checkout.folder, "local", "kernel.py"), "# changed\n");
    const running = commands.map((command) => this.#start(command));
    const delay = this.#random() * this.#choose([0.3, 3, 8]);
    await Promise.race([sleep(delay * 1000), Promise.all(running.map(({ finished }) => finished))]);
    const disturbedAt = performance.now();
    if (disturbance === "Ctrl-C") running[0]?.child.kill("SIGINT");
    if (disturbance === "kill") running[0]?.child.kill("SIGKILL");
    if (disturbance === "kill server") kill(this.#checkout.server);
    if (disturbance === "kill java") kill(this.#checkout.java);
    // A job whose task has failed goes on with those that run all the same, in a new Spark, and fails at its end.
    const said = running.map(({ child, finished }) => saysSomething(child, finished));
    for (const [index, { finished, check }] of running.entries()) {
      const result = await inTime(finished, MOST_SECONDS_OF_A_COMMAND);
      assert(result !== undefined, `${commands[index] ?? ""} hangs`);
      if (result.code !== 0 && disturbance.startsWith("kill ")) {
        const seconds = (((await said[index]) ?? 0) - disturbedAt) / 1000;
        const { stdout, stderr } = result;
        const what = `${commands[index] ?? ""} noticed after ${seconds.toFixed(1)} s: ${stderr}${stdout}`;
        assert(seconds < MOST_SECONDS_TO_NOTICE, what);
      }
      check(result, disturbed || count === 2);
    }
    if (ballast !== undefined) rmSync(ballast);
    await this.#load();
    return `${commands.join(" and ")}, ${disturbance} after ${delay.toFixed(2)} s`;
  }

  /** Loads one more order, undisturbed, and then compares the orders with what has arrived. */
  async #load(): Promise<void> {
    const { finished, check } = this.#start("start");
    check(await finished, false);
    const sql = "SELECT tracking_num, count(*) AS times FROM orders_table GROUP BY tracking_num";
    const { code, stdout, stderr } = await this.#checkout.run(["query", sql, "--json", "--home", this.#home]);
    assert(code === 0, stderr);
    const rows = JSON.parse(stdout) as { tracking_num: string; times: number }[];
    for (const { tracking_num, times } of rows) {
      assert(times === 1, `${tracking_num} is there ${times} times`);
      assert(this.#loaded.has(tracking_num) || this.#perhaps.has(tracking_num), `${tracking_num} came from nowhere`);
    }
    const found = new Set(rows.map(({ tracking_num }) => tracking_num));
    for (const order of this.#loaded) assert(found.has(order), `${order} is lost`);
    const waiting = readdirSync(path.join(this.#home, "volume", "file_arrival"));
    assert(waiting.length === 0, `${waiting.join(", ")} still wait`);
  }

  #start(command: "query" | "track" | "start"): Running & { check: (result: Finished, mayFail: boolean) => void } {
    const home = ["--home", this.#home];
    if (command === "start") {
      const order = `C${(this.#orders += 1)}`;
      const file = path.join(this.#checkout.folder, `${order}.csv`);
      writeFileSync(file, `tracking_num,status,last_update_timestamp\n${order},NEW,2026-11-20 08:00:00\n`);
      this.#perhaps.add(order);
      const check = (result: Finished, mayFail: boolean) => {
        checkExit(result, mayFail);
        if (result.code === 0) this.#loaded.add(order);
      };
      return { ...this.#checkout.start(["start", file, ...home]), check };
    }
    const args = command === "track" ? ["track", "C1", "--json"] : ["query", "SELECT 6 * 7 AS answer", "--json"];
    const check = (result: Finished, mayFail: boolean) => {
      checkExit(result, mayFail);
      if (result.code !== 0) return;
      const answer = JSON.parse(result.stdout) as { answer?: number }[] & { tracking_num?: string };
      assert(answer.tracking_num === "C1" || answer[0]?.answer === 42, `a wrong answer: ${result.stdout}`);
    };
    return { ...this.#checkout.start([...args, ...home]), check };
  }

  /** Fills what Spark has for its temporary files, where this process may make a small disk for it. */
  #fillDisk(): string | undefined {
    const { temporary } = this.#checkout;
    if (process.getuid?.() !== 0 || process.platform !== "linux") return undefined;
    const ballast = path.join(temporary, "ballast");
    if (!this.#hasSmallDisk) {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", temporary]);
      this.#hasSmallDisk = true;
    }
    try {
      writeFileSync(ballast, Buffer.alloc(64 * 2 ** 20));
    } catch {
      // It is full now.
    }
    return ballast;
  }

  #choose<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }
}

/** What fails has to say why, in a sentence. */
function checkExit({ code, stderr, stdout }: Finished, mayFail: boolean): void {
  if (code === 0 || code === null || code === 130) return;
  assert(mayFail, `failed: ${stderr}${stdout}`);
  assert(!/^\s+at .*:\d+:\d+\)?$/m.test(stderr), `a stack instead of a sentence: ${stderr}`);
}

/** When a command says something from now on, or ends. */
async function saysSomething({ stdout, stderr }: ChildProcess, finished: Promise<Finished>): Promise<number> {
  const streams = [stdout, stderr].filter((each) => each !== null);
  await Promise.race([finished, ...streams.map((each) => once(each, "data"))]);
  return performance.now();
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

async function inTime<T>(work: Promise<T>, seconds: number): Promise<T | undefined> {
  return Promise.race([work, sleep(seconds * 1000, undefined, { ref: false })]);
}

function assert(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}

console.log(`seed ${values.seed}`);
void new Chaos(Number(values.seed)).run(Number(values.rounds)).then(() => {
  console.log(`${values.rounds} rounds: no wrong answer, nothing lost, nothing left behind`);
});
