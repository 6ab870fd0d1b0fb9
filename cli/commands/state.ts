/** `order-tracking state`: creates what keeps an environment's Terraform state in Azure. */
import { commandLine } from "../../deploy/azure-cli.ts";
import { missingSteps, perform } from "../../deploy/create-state-backend.ts";
import { readStateBackend } from "../../deploy/state-backend.ts";
import { agreed } from "../agreed.ts";
import { parseArguments, UsageError } from "../arguments.ts";
import { readSynthesized } from "../read-synthesized.ts";

export const usage = `Usage: npm run -s order-tracking -- state ENVIRONMENT [--yes]

Creates what the environment's stateContainer names, so that Terraform can keep its state there: resource group,
storage account, container, your role on it and a lock. Shows what is missing and asks first; what is there already
is left alone. Uses the Azure CLI as you signed in to it, and no keys.

  --yes  do not ask
`;

/** Creates what is missing, once the person agrees. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { yes: { type: "boolean", default: false } },
  });
  const [environment, ...rest] = positionals;
  if (environment === undefined || rest.length > 0) throw new UsageError("give one environment");
  const backend = await readSynthesized(environment, (directory) => readStateBackend(directory, environment));
  const { container, storageAccount, resourceGroup, subscriptionId } = backend;
  console.log(
    `State of ${environment}: ${container} in ${storageAccount} (${resourceGroup}), subscription ${subscriptionId}`,
  );
  const steps = await missingSteps(backend);
  if (steps.length === 0) {
    console.log("All of it is there.");
    return 0;
  }
  console.log("Missing:");
  for (const step of steps) console.log(`  ${step.what}\n      ${commandLine(step.call)}`);
  if (!(await agreed("Do this?", !values.yes))) return 1;
  for (const step of steps) {
    await perform(step);
    console.log(`done: ${step.what}`);
  }
  console.log(
    `A new role takes effect within minutes. Whoever else deploys ${environment} needs it, too. ` +
      `Next: npx cdktf diff ${environment}-platform`,
  );
  return 0;
}
