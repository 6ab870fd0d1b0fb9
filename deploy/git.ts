/** What git says of the checkout. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const root = `${__dirname}/..`;

/** @throws Error where no branch is checked out */
export async function currentBranch(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("git", ["symbolic-ref", "--short", "HEAD"], { cwd: root });
    return stdout.trim();
  } catch (error) {
    throw new Error("no branch is checked out: say which one with --branch", { cause: error });
  }
}
