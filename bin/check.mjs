/**
 * `npm run check`: formats, lints and type-checks both languages. With CI in the environment nothing is rewritten: a
 * file that is not formatted fails instead.
 */
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fail, python, root, setUp } from "./setup.mjs";

const verify = Boolean(process.env.CI);
const node = (name, ...args) => [path.join(root, "node_modules", ".bin", name), ...args];
const py = (name, ...args) => [path.join(path.dirname(python), name), ...args];

const steps = [
  node("prettier", "--log-level=warn", verify ? "--check" : "--write", "."),
  py("ruff", "format", "--quiet", ...(verify ? ["--check"] : []), "."),
  py("ruff", "check", "--quiet", "."),
  py("mypy", "--no-error-summary", "notebooks/order_tracking", "local", "bench"),
  node("tsc"),
  node("eslint", "."),
];

try {
  await setUp();
} catch (error) {
  fail(error);
}
const failed = steps.filter(([command, ...args]) => {
  console.log(`${path.basename(command)} ${args.join(" ")}`);
  return spawnSync(command, args, { cwd: root, stdio: "inherit" }).status !== 0;
});
console.log(
  failed.length === 0 ? "All checks passed." : `Failed: ${failed.map(([name]) => path.basename(name)).join(", ")}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
