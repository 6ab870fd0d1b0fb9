/** `npm run test:chaos`, `test:chaos:spark` and `test:fuzz`, with their options: sets the checkout up, then runs a script. */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fail, python, root, setUp } from "./setup.mjs";
import { sparkEnvironment } from "./spark-environment.mjs";

const [script, ...options] = process.argv.slice(2);
try {
  await setUp();
} catch (error) {
  fail(error);
}
const isPython = script.endsWith(".py");
const [command, ...args] = isPython ? [python, script] : [process.execPath, "--import", "tsx", script];
const { status } = spawnSync(command, [...args, ...options], {
  cwd: root,
  stdio: "inherit",
  env: { ...sparkEnvironment(), ...(isPython && { PYTHONPATH: path.join(root, "notebooks") }) },
});
process.exitCode = status ?? 1;
