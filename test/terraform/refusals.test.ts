/**
 * What refuses to be applied, in real Terraform: it refuses no plan, whatever was tried before.
 *
 * Needs `terraform`, but no provider: `terraform_data` is built in. Without it the tests are skipped.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { EnvironmentSettings, Variables } from "../../environments/environment.ts";
import { MINIMAL, synthesize } from "../synthesized.ts";

const PLAN = ["plan", "-input=false", "-no-color", "-detailed-exitcode"];
const NOTHING_TO_DO = 0;
const CHANGES = 2;
const APPLY = ["apply", "-input=false", "-no-color", "-auto-approve"];

const home = mkdtempSync(path.join(tmpdir(), "order-tracking-refusals-"));
const { error } = spawnSync("terraform", ["version"]);
const withTerraform = error ? describe.skip : describe;
const why = error ? ` (skipped: terraform could not be started)` : "";

jest.setTimeout(60_000);
afterAll(() => {
  rmSync(home, { recursive: true });
});

withTerraform(`while the subscription is unknown${why}`, () => {
  it("every plan passes and every apply is refused, until what is left of them is destroyed", () => {
    const folder = refusalsOf(MINIMAL, {});
    const sentence = "Set TINY_SUBSCRIPTION_ID to its id and synthesize again.";

    expectPlanAndRefusal(folder, sentence);
    expectPlanAndRefusal(folder, sentence);
    expect(terraform(folder, ["destroy", ...APPLY.slice(1)])).toMatchObject({ stderr: "", status: 0 });
  });
});

withTerraform(`while the URL of a notification destination is unknown${why}`, () => {
  const known = { TF_VAR_slack_url: "https://hooks.example.com/a-secret" };

  it("every plan passes and every apply is refused, until the URL is known", () => {
    const folder = refusalsOf({ ...MINIMAL, notifications: { create: ["slack"] } });
    const sentence = "Set TF_VAR_slack_url and plan again.";

    expectPlanAndRefusal(folder, sentence);
    expectPlanAndRefusal(folder, sentence);
    expect(terraform(folder, APPLY, known)).toMatchObject({ stderr: "", status: 0 });
    expect(terraform(folder, PLAN, known)).toMatchObject({ stderr: "", status: NOTHING_TO_DO });
    expect(terraform(folder, PLAN)).toMatchObject({ stderr: "", status: CHANGES });
  });
});

/** The first time, and after an apply that was refused, which leaves something in the state. */
function expectPlanAndRefusal(folder: string, sentence: string): void {
  expect(terraform(folder, PLAN)).toMatchObject({ stderr: "", status: CHANGES });
  const { status, stderr } = terraform(folder, APPLY);
  expect(status).toBe(1);
  expect(stderr.replace(/[\s│]+/g, " ")).toContain(sentence);
}

/** The refusals of a pipeline stack, and nothing that takes a provider. */
function refusalsOf(settings: EnvironmentSettings, variables?: Variables): string {
  const { resource, variable } = synthesize(settings, variables).pipeline;
  const folder = mkdtempSync(path.join(home, "stack-"));
  const refusals = { resource: { terraform_data: resource.terraform_data }, variable };
  writeFileSync(path.join(folder, "main.tf.json"), JSON.stringify(refusals));
  expect(terraform(folder, ["init", "-input=false", "-no-color"])).toMatchObject({ stderr: "", status: 0 });
  return folder;
}

function terraform(folder: string, args: readonly string[], variables: Record<string, string> = {}) {
  return spawnSync("terraform", args, {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env.PATH, CHECKPOINT_DISABLE: "1", ...variables },
  });
}
