/** `order-tracking plan`: what a first deployment of an environment would create. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { planFromNothing } from "../deploy/plan-from-nothing.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import { synthesize } from "./synthesize.ts";

export const usage = `Usage: npm run -s order-tracking -- plan ENVIRONMENT

Shows what a first deployment of the environment would create, stack by stack. Reads no state, and needs no account and
no credentials, only Terraform and its providers: good for a pull request of somebody who has none.
What a deployment would change where there is one already shows "npx cdktf diff STACK".
`;

/** Plans the environment's stacks as if nothing were there. */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals } = parseArguments({ args: [...args], allowPositionals: true, options: {} });
  const [environment, ...rest] = positionals;
  if (environment === undefined || rest.length > 0) throw new UsageError("give one environment");
  const directory = mkdtempSync(path.join(tmpdir(), "order-tracking-plan-"));
  try {
    await synthesize(directory, environment);
    return (await planFromNothing(directory)) ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
