/** The real providers, installed once for all deployments of a test run. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { MINIMAL, synthesize } from "../../synthesized.ts";

export interface Providers {
  /** A Terraform configuration that finds them without a network. */
  readonly cliConfig: string;
  /** One with which stacks need no `terraform init`, and no command looks at the providers' checksums, which takes seconds. */
  readonly quickCliConfig: string;
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
  const mirror = path.join(home, ".terraform/providers");
  const configured = (name: string, method: string, lines: readonly string[]) => {
    const file = path.join(home, name);
    const block = `  ${method} {\n${lines.map((line) => `    ${line}\n`).join("")}  }\n`;
    writeFileSync(file, `provider_installation {\n${block}}\n`);
    return file;
  };
  const folders = Object.values(required).map(({ source, version }) => {
    const address = source.includes("/") ? source : `hashicorp/${source}`;
    const versionFolder = path.join(mirror, "registry.terraform.io", address, version);
    return [address, path.join(versionFolder, readdirSync(versionFolder)[0] ?? "")] as const;
  });
  const overrides = folders.map(([source, folder]) => `${JSON.stringify(source)} = ${JSON.stringify(folder)}`);
  return {
    cliConfig: configured("terraformrc", "filesystem_mirror", [`path = ${JSON.stringify(mirror)}`]),
    quickCliConfig: configured("quick-terraformrc", "dev_overrides", overrides),
  };
}
