/**
 * `npm run test:deploy`: deploys every environment with the real providers to the cloud's stand-in, and says what it cost.
 *
 * `-- --environment NAME` deploys one of them (`sandbox` for a sandbox); `-- --seed N` repeats how late answers and roles were.
 * `-- --teardowns N` takes down that many sandboxes while something goes wrong (3).
 * `-- --first-deployments N` does nothing but N first deployments of each shipped environment, with N seeds from `--seed` on.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { fail, root, setUp } from "./setup.mjs";

/** Deployments mostly wait: for roles to be listed, and for the network. */
const AT_ONCE = 3;

const { values } = parseArgs({
  options: {
    environment: { type: "string" },
    seed: { type: "string", default: "1" },
    teardowns: { type: "string", default: "3" },
    "first-deployments": { type: "string" },
  },
});
const firstDeployments = values["first-deployments"];
try {
  await setUp(); // Deployed jobs run on Spark.
} catch (error) {
  fail(error);
}
const scratch = mkdtempSync(path.join(os.tmpdir(), "order-tracking-deploy-"));
const report = path.join(scratch, "report.jsonl");
const startedAt = Date.now();
const { status } = spawnSync(
  path.join(root, "node_modules", ".bin", "jest"),
  ["--config", "jest.deploy.config.json", "--ci", `--maxWorkers=${AT_ONCE}`, ...(firstDeployments ? ["first"] : [])],
  {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      ORDER_TRACKING_DEPLOY_REPORT: report,
      ORDER_TRACKING_DEPLOY_SEED: values.seed,
      ORDER_TRACKING_DEPLOY_TEARDOWNS: values.teardowns,
      ...(firstDeployments && { ORDER_TRACKING_FIRST_DEPLOYMENTS: firstDeployments }),
      ...(values.environment && { ORDER_TRACKING_DEPLOY_ENVIRONMENT: values.environment }),
    },
  },
);
const lines = existsSync(report) ? readFileSync(report, "utf8").trim().split("\n") : [];
for (const { what, requests, resources, seconds } of lines.map((line) => JSON.parse(line))) {
  console.log(`${what.padEnd(12)} ${resources} things deployed, ${requests} requests, ${seconds} s`);
}
console.log(`seed ${values.seed}, ${Math.round((Date.now() - startedAt) / 1000)} s altogether`);
rmSync(scratch, { recursive: true });
process.exitCode = status ?? 1;
