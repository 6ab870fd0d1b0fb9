/** Which files git knows in a checkout, and which of them have changed. Runs without any npm package. */
import { spawnSync } from "node:child_process";
import { SetupError } from "./setup.mjs";

/** @returns {string[]} every file that is there or was, but those that git ignores, from the checkout's root */
export function filesOf(checkout) {
  return git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard");
}

/** @returns {string[]} what has changed since a commit; of a file that has another name now both names */
export function changedFiles(checkout, since = "HEAD") {
  return [
    ...git(checkout, "diff", "-z", "--name-only", "--no-renames", since),
    ...git(checkout, "ls-files", "-z", "--others", "--exclude-standard"),
  ];
}

function git(checkout, ...args) {
  const options = { cwd: checkout, encoding: "utf8", maxBuffer: 2 ** 26 };
  const { status, error, stdout, stderr } = spawnSync("git", args, options);
  if (error)
    throw new SetupError(`git could not be run (${error.message}): install it, or name tests by parts of their paths`);
  if (status !== 0) throw new SetupError(`git ${args.join(" ")}: ${stderr.trim()}`);
  return stdout.split("\0").filter((name) => name !== "");
}
