/** What git says of the checkout. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const root = `${__dirname}/..`;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * What a call of git prints, in this repository.
 *
 * @throws Error with what it printed as `stdout`, where its exit code is not 0
 */
export async function git(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return (await promisify(execFile)("git", args, { cwd: root, env, maxBuffer: MOST_BYTES })).stdout;
}

/** @throws Error where no branch is checked out */
export async function currentBranch(): Promise<string> {
  try {
    return (await git(["symbolic-ref", "--short", "HEAD"])).trim();
  } catch (error) {
    throw new Error("no branch is checked out: say which one with --branch", { cause: error });
  }
}

/** The commit that is checked out; nothing where there is none. */
export async function currentCommit(): Promise<string | undefined> {
  return git(["rev-parse", "HEAD"]).then(
    (said) => said.trim(),
    () => undefined,
  );
}
