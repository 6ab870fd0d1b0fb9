/** `npm run test:chaos [-- --kills N --seed N]`: sets the checkout up, then kills the job at random moments. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fail, python, root, setUp } from "./setup.mjs";

try {
  await setUp();
} catch (error) {
  fail(error);
}
const { status } = spawnSync(python, ["test/notebooks/chaos.py", ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PYTHONPATH: path.join(root, "notebooks") },
});
process.exitCode = status ?? 1;
