import { once } from "node:events";
import { createInterface } from "node:readline/promises";

/**
 * Asks on a terminal whether to go ahead, and says that nothing was changed where nobody agrees; without a terminal nobody
 * can.
 *
 * @param isAsked whether it takes somebody's word at all; not where they have given it with `--yes`
 */
export async function agreed(question: string, isAsked: boolean): Promise<boolean> {
  if (!isAsked || (await isYes(question))) return true;
  console.error("Nothing was changed.");
  return false;
}

async function isYes(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    console.error("There is no terminal to ask on: add --yes to go ahead.");
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and Ctrl-D close it: some versions of Node then leave the question for ever, others let it fail.
  const closed = once(terminal, "close").then(() => "");
  try {
    const answer = await Promise.race([terminal.question(`${question} [y/N] `), closed]);
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return false;
  } finally {
    terminal.close();
  }
}
