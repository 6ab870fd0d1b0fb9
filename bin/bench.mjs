/** `npm run bench [-- laptop | pipeline | growth | scale | synth | delta-rs]`: what the numbers in docs/develop.md come from; each fails where it is too slow. */
import { spawnSync } from "node:child_process";
import { benchPython, fail, python, root, setUp, setUpBench, SetupError } from "./setup.mjs";

const benchmarks = {
  laptop: [process.execPath, "--import", "tsx", "bench/laptop.ts"],
  pipeline: [python, "bench/pipeline.py"],
  growth: [python, "bench/pipeline.py", "growth"],
  scale: [python, "bench/scale.py"],
  synth: [process.execPath, "--import", "tsx", "bench/synth.ts"],
  "delta-rs": [benchPython, "bench/delta_rs.py"],
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in benchmarks));
try {
  if (unknown !== undefined)
    throw new SetupError(`there is no benchmark ${unknown}: ${Object.keys(benchmarks).join(", ")}`);
  await setUp();
  if (wanted.length === 0 || wanted.includes("delta-rs")) await setUpBench();
} catch (error) {
  fail(error);
}
for (const [name, [command, ...args]] of Object.entries(benchmarks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  if (spawnSync(command, args, { cwd: root, stdio: "inherit" }).status !== 0) process.exitCode = 1;
}
