import { createInterface } from "node:readline/promises";

/** Asks on a terminal; without one nobody can agree. */
export async function agreed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error("There is no terminal to ask on: add --yes to go ahead.");
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
