/** Commands in the process of a test, for what a process of their own would tell no more about. */
import { UsageError } from "../../cli/arguments.ts";
import { failure } from "../../cli/failure.ts";
import { printable } from "../../cli/text-table.ts";
import type { Finished } from "./order-tracking.ts";

interface Command {
  readonly usage: string;
  readonly mistakeCode?: number;
  readonly run: (args: readonly string[]) => Promise<number>;
}

/**
 * Runs a file of `cli/commands/` as `cli/main.ts` does, with no terminal to ask on or to print to. Not for what lets
 * other programs print.
 */
export async function inProcess([name = "", ...args]: readonly string[]): Promise<Finished> {
  const { run, usage, mistakeCode = 2 } = (await import(`../../cli/commands/${name}.ts`)) as Command;
  // What npm and terminals say to processes, which those of `orderTracking` are not told either.
  const { INIT_CWD, FORCE_COLOR } = process.env;
  delete process.env.INIT_CWD;
  delete process.env.FORCE_COLOR;
  let [stdout, stderr] = ["", ""];
  const spies = [
    jest.spyOn(console, "log").mockImplementation((...said: unknown[]) => void (stdout += `${said.join(" ")}\n`)),
    jest.spyOn(console, "error").mockImplementation((...said: unknown[]) => void (stderr += `${said.join(" ")}\n`)),
    jest.spyOn(process.stdout, "write").mockImplementation((text) => {
      stdout += String(text);
      return true;
    }),
    jest.spyOn(process.stderr, "write").mockImplementation((text) => {
      stderr += String(text);
      return true;
    }),
  ];
  const streams = [process.stdin, process.stdout, process.stderr];
  const wereTerminals = streams.map(({ isTTY }) => isTTY);
  for (const stream of streams) stream.isTTY = false;
  try {
    const code = await run(args);
    return { code, stdout, stderr };
  } catch (error) {
    const [code, said] =
      error instanceof UsageError
        ? [mistakeCode, `${error.message}\n\n${usage}`]
        : [1, `Error: ${printable(failure(error as Error))}`];
    return { code, stdout, stderr: `${stderr}${said}\n` };
  } finally {
    if (INIT_CWD !== undefined) process.env.INIT_CWD = INIT_CWD;
    if (FORCE_COLOR !== undefined) process.env.FORCE_COLOR = FORCE_COLOR;
    for (const [index, stream] of streams.entries()) stream.isTTY = wereTerminals[index] ?? false;
    for (const spy of spies) spy.mockRestore();
  }
}
