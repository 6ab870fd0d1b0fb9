/** `order-tracking lock`: the hashes of the providers, for every platform, into a file that is committed. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { lockFileFor, PLATFORMS } from "../../deploy/lock-providers.ts";
import { parseArguments } from "../arguments.ts";
import { Progress } from "../progress.ts";
import { OF_NO_WORKSPACE, synthesize } from "../synthesize.ts";

export const usage = `Usage: npm run -s order-tracking -- lock

Writes .terraform.lock.hcl, to be committed: the hashes of the providers that the stacks pin, for ${PLATFORMS.join(", ")}.
Each stack that is synthesized gets a copy, and Terraform takes no other provider from then on. Asks the registry for all
of them, which are some hundred megabytes each.
`;

const LOCK_FILE = path.join(__dirname, "../../.terraform.lock.hcl");
/** Every environment pins the same providers. */
const ENVIRONMENT = "dev";

/** Writes the file. */
export async function run(args: readonly string[]): Promise<number> {
  parseArguments({ args: [...args], options: {} });
  const progress = new Progress();
  const folder = mkdtempSync(path.join(tmpdir(), "order-tracking-lock-"));
  try {
    progress.step("Asking the registry for the providers' hashes");
    await synthesize(folder, ENVIRONMENT, undefined, OF_NO_WORKSPACE);
    writeFileSync(LOCK_FILE, await lockFileFor(folder));
    progress.end();
    console.log(`${path.basename(LOCK_FILE)} is written: look at it, and commit it.`);
    return 0;
  } finally {
    progress.end();
    rmSync(folder, { recursive: true });
  }
}
