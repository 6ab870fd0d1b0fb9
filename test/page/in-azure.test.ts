import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { environmentsIn } from "../../page/in-azure.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

const folder = temporaryFolder();

/** A folder with the pipeline stacks of environments, each written so many seconds after the epoch. */
function synthesized(name: string, times: Readonly<Record<string, number>>): string {
  const output = path.join(folder, name);
  for (const [environment, seconds] of Object.entries(times)) {
    const file = path.join(output, "stacks", `${environment}-pipeline`, "cdk.tf.json");
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, "{}");
    utimesSync(file, seconds, seconds);
  }
  return output;
}

it("shows of an environment what was synthesized last, to be deployed or to be run here", () => {
  const toDeploy = synthesized("cdktf.out", { dev: 200, prod: 100, staging: 100 });
  const toRun = synthesized("home", { dev: 100, prod: 200 });
  expect([...environmentsIn([toDeploy, toRun])]).toEqual([
    ["dev", toDeploy],
    ["prod", toRun],
    ["staging", toDeploy],
  ]);
});
