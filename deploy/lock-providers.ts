/** Terraform's lock file for every machine that deploys: hashes of the providers in the versions that the stacks pin. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { LOCK_FILE, stacksIn, synthesizedStack } from "./plan-stacks.ts";
import { terraformOrFail } from "./terraform.ts";

/** Those for which both providers are published, and that people and workflows have. */
export const PLATFORMS = ["linux_amd64", "linux_arm64", "darwin_amd64", "darwin_arm64", "windows_amd64"] as const;

const providersType = z.object({ terraform: z.object({ required_providers: z.record(z.string(), z.unknown()) }) });

/**
 * The lock file for all stacks in a folder of synthesized ones. Terraform asks the registry, whatever else a machine
 * takes its providers from.
 *
 * @throws Error with what Terraform said, as where the registry cannot be reached
 */
export async function lockFileFor(outputDirectory: string): Promise<string> {
  const stacks = stacksIn(outputDirectory).map((stack) =>
    providersType.parse(synthesizedStack(outputDirectory, stack)),
  );
  const providers = Object.assign({}, ...stacks.map(({ terraform }) => terraform.required_providers)) as object;
  const folder = mkdtempSync(path.join(tmpdir(), "order-tracking-lock-"));
  try {
    writeFileSync(path.join(folder, "main.tf.json"), JSON.stringify({ terraform: { required_providers: providers } }));
    await terraformOrFail(folder, ["providers", "lock", ...PLATFORMS.map((platform) => `-platform=${platform}`)]);
    return readFileSync(path.join(folder, LOCK_FILE), "utf8");
  } finally {
    rmSync(folder, { recursive: true });
  }
}
