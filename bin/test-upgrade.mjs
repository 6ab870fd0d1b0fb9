/**
 * `npm run test:upgrade -- BASE`: rehearses the upgrade of a deployed environment from a commit to this checkout. Deploys
 * BASE to the cloud's stand-in and loads files with its job, reviews and deploys this checkout over it, and loads again.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fail, root, SetupError, setUp } from "./setup.mjs";

/** Runs a program, showing what it prints; throws where it fails. */
function run(what, command, args, options = {}) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (status !== 0) throw new SetupError(`${what} failed`);
}

/** Packages of this checkout serve the other one as well where its lock file is the same. */
function sharePackages(folder, lock, base) {
  const read = (checkout) => readFileSync(path.join(checkout, lock), "utf8");
  if (read(base) === read(root) && existsSync(path.join(root, folder))) {
    symlinkSync(path.join(root, folder), path.join(base, folder));
    return true;
  }
  return false;
}

async function main(commit) {
  await setUp();
  const scratch = mkdtempSync(path.join(os.tmpdir(), "order-tracking-upgrade-"));
  const base = path.join(scratch, "base");
  try {
    run(`checking out ${commit}`, "git", ["worktree", "add", "--quiet", "--detach", base, commit]);
    if (!sharePackages("node_modules", "package-lock.json", base)) run("npm ci", "npm", ["ci"], { cwd: base });
    if (!sharePackages(".venv", "requirements.txt", base)) {
      const setsUp = 'import { setUp } from "./bin/setup.mjs"; await setUp();';
      run("setting up", process.execPath, ["--input-type=module", "--eval", setsUp], { cwd: base });
    }
    run(
      "the rehearsal",
      path.join(root, "node_modules/.bin/jest"),
      ["--config", "jest.deploy.config.json", "--ci", "upgrade"],
      {
        env: { ...process.env, ORDER_TRACKING_UPGRADE_BASE: base },
      },
    );
  } finally {
    spawnSync("git", ["worktree", "remove", "--force", base], { cwd: root });
    rmSync(scratch, { recursive: true, force: true });
  }
}

const [commit, ...rest] = process.argv.slice(2);
try {
  if (commit === undefined || rest.length > 0) throw new SetupError("give one commit: npm run test:upgrade -- COMMIT");
  await main(commit);
} catch (error) {
  fail(error);
}
