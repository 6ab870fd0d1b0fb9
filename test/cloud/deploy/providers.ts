/** The real providers, installed once for all deployments of a test run. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { MINIMAL, synthesize } from "../../synthesized.ts";

export interface Providers {
  /** A Terraform configuration that finds them without a network. */
  readonly cliConfig: string;
}

/**
 * Installs what the stacks require, from the registry or from a mirror that TF_CLI_CONFIG_FILE names.
 *
 * @returns why that was not possible, where it was not
 */
export function installProviders(): Providers | string {
  const home = mkdtempSync(path.join(tmpdir(), "order-tracking-providers-"));
  const { platform, pipeline } = synthesize(MINIMAL);
  const required = { ...platform.terraform.required_providers, ...pipeline.terraform.required_providers };
  writeFileSync(path.join(home, "main.tf.json"), JSON.stringify({ terraform: { required_providers: required } }));
  const { error, status, stderr } = spawnSync("terraform", ["init", "-backend=false", "-input=false", "-no-color"], {
    cwd: home,
    encoding: "utf8",
    env: { ...process.env, CHECKPOINT_DISABLE: "1" },
  });
  if (error) return `terraform could not be started (${error.message})`;
  if (status !== 0) return `terraform init failed: ${stderr.trim().split("\n").slice(0, 3).join(" ")}`;
  const cliConfig = path.join(home, "terraformrc");
  const mirror = path.join(home, ".terraform/providers");
  writeFileSync(
    cliConfig,
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(mirror)}\n  }\n}\n`,
  );
  return { cliConfig };
}
