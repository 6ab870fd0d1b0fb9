import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { temporaryFolder } from "../local/stack-on-disk.ts";

jest.setTimeout(60_000); // On a busy machine a program takes seconds to start.

/**
 * Says when it can be interrupted and when it is, and then cleans up for as many milliseconds as it is told. It interrupts
 * itself for the second time, so many milliseconds after the first: a test that is slow to do so would be too late.
 */
const PROGRAM = `
import { setTimeout as sleep } from "node:timers/promises";
import { untilInterrupted } from ${JSON.stringify(path.join(__dirname, "../../cli/interruption.ts"))};
const listening = setInterval(() => undefined, 1000);
untilInterrupted(async (interrupted) => {
  const aborted = new Promise((resolve) => interrupted.addEventListener("abort", resolve));
  console.log("works");
  await aborted;
  console.log("interrupted");
  setTimeout(() => process.kill(process.pid, "SIGINT"), Number(process.argv[3]));
  await sleep(Number(process.argv[2]));
  console.log("cleaned up");
}).finally(() => setTimeout(() => clearInterval(listening), 200));`;

/** Interrupts the program, which does so once more after some time. */
async function interruptTwice(cleaningMs: number, betweenMs: number): Promise<{ said: string; end: unknown }> {
  const file = path.join(temporaryFolder(), "program.mjs");
  writeFileSync(file, PROGRAM);
  const program = spawn(process.execPath, ["--import", "tsx", file, String(cleaningMs), String(betweenMs)], {
    cwd: path.join(__dirname, "../.."),
  });
  let said = "";
  const works = new Promise<void>((resolve) => {
    program.stdout.on("data", (text: Buffer) => {
      said += text.toString();
      if (said.includes("works")) resolve();
    });
  });
  const ended = new Promise((resolve) =>
    program.on("close", (code, signal) => {
      resolve(signal ?? code);
    }),
  );
  await works;
  program.kill("SIGINT");
  return { end: await ended, said };
}

test("one Ctrl-C that arrives twice, from the terminal and from npm, leaves the time to clean up", async () => {
  expect(await interruptTwice(300, 0)).toEqual({ end: 0, said: "works\ninterrupted\ncleaned up\n" });
});

test("one Ctrl-C whose second arrival finds everything cleaned up changes nothing", async () => {
  expect(await interruptTwice(0, 50)).toEqual({ end: 0, said: "works\ninterrupted\ncleaned up\n" });
});

test("a second Ctrl-C ends what takes too long to clean up", async () => {
  expect(await interruptTwice(60_000, 700)).toEqual({ end: "SIGINT", said: "works\ninterrupted\n" });
});
