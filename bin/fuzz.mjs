/** `npm run test:fuzz [-- --files N --seed N]`: sets the checkout up, then loads files of odd bytes. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fail, python, root, setUp } from "./setup.mjs";

try {
  await setUp();
} catch (error) {
  fail(error);
}
const { status } = spawnSync(python, ["test/notebooks/fuzz.py", ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, PYTHONPATH: path.join(root, "notebooks") },
});
process.exitCode = status ?? 1;
