import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { reviewOf } from "../../deploy/review-plans.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { change, plan } from "../review/made-up.ts";

const isKnown = spawnSync("git", ["rev-parse", "HEAD"], { cwd: __dirname }).status === 0;
const [withGit, why] = isKnown ? [it, ""] : [it.skip, " (skipped: git knows no commit)"];
const source = "assets/package-rule-source_AB12/0123456789abcdef0123456789abcdef/rule.py";

/** A plan of files that are shipped, with the one that is to be shipped in the stack's folder. */
async function reviewed(...changes: Parameters<typeof change>[0][]) {
  const directory = temporaryFolder();
  const folder = path.join(directory, "stacks", "dev-pipeline");
  mkdirSync(path.dirname(path.join(folder, source)), { recursive: true });
  writeFileSync(path.join(folder, "cdk.tf.json"), "{}");
  writeFileSync(path.join(folder, source), "A = 1\n");
  const ofFiles = changes.map((each) => change({ type: "databricks_workspace_file", ...each }));
  const { running } = await reviewOf(directory, "dev", [{ stack: "dev-pipeline", json: plan(ofFiles) }]);
  return running.map(({ headline, diff }) => [headline, diff]);
}

const added = { address: "databricks_workspace_file.added", actions: ["create"], before: null, after: { source } };

withGit(`shows a file of code that is new beside others${why}`, async () => {
  expect(await reviewed(added, { before: { source: "a.py" }, after: { source: "a.py" } })).toEqual([
    ["`notebooks/order_tracking/contract/rule.py` is new: +1 -0.", expect.stringContaining("+A = 1")],
  ]);
});

it("shows no file of a first deployment, of which all are new", async () => {
  expect(await reviewed(added)).toEqual([]);
});
