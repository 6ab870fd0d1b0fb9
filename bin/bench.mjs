/**
 * `npm run bench [-- laptop | pipeline | growth | scale [CASE...] | synth | delta-rs]`: what the numbers in docs/develop.md
 * come from. Each that has a limit fails where it is too slow.
 */
import { spawnSync } from "node:child_process";
import { benchPython, fail, python, root, setUp, setUpBench, SetupError } from "./setup.mjs";
import { sparkEnvironment } from "./spark-environment.mjs";

const benchmarks = {
  laptop: [process.execPath, "--import", "tsx", "bench/laptop.ts"],
  pipeline: [python, "bench/pipeline.py"],
  growth: [python, "bench/pipeline.py", "growth"],
  scale: [python, "bench/scale.py"],
  synth: [process.execPath, "--import", "tsx", "bench/synth.ts"],
  "delta-rs": [benchPython, "bench/delta_rs.py"],
};

const [wanted, ...cases] = process.argv.slice(2);
try {
  if (wanted !== undefined && !(wanted in benchmarks))
    throw new SetupError(`there is no benchmark ${wanted}: ${Object.keys(benchmarks).join(", ")}`);
  if (cases.length > 0 && wanted !== "scale") throw new SetupError("give one benchmark; only scale has cases");
  await setUp();
  if (wanted === undefined || wanted === "delta-rs") await setUpBench();
} catch (error) {
  fail(error);
}
for (const [name, [command, ...args]] of Object.entries(benchmarks)) {
  if (wanted !== undefined && wanted !== name) continue;
  if (spawnSync(command, [...args, ...cases], { cwd: root, env: sparkEnvironment(), stdio: "inherit" }).status !== 0)
    process.exitCode = 1;
}
