import {
  Aspects,
  AzurermBackend,
  dependable,
  type IAspect,
  LocalBackend,
  TerraformResource,
  TerraformStack,
} from "cdktf";
import type { Construct, IConstruct } from "constructs";
import type { Environment } from "../environments/environment.ts";
import * as names from "../environments/names.ts";
import { FALSE_WHEN_APPLIED, TerraformData } from "./terraform-data.ts";

/** What all stacks of an environment share: the name, the place of the state, and the refusal to deploy half-known. */
export abstract class EnvironmentStack extends TerraformStack {
  readonly #refusals: TerraformData[] = [];

  protected constructor(scope: Construct, kind: names.StackKind, environment: Environment) {
    const id = `${environment.name}-${kind}`;
    super(scope, id);
    keepState(this, environment, id);
    if (!environment.subscriptionId) {
      this.refuseToDeploy(
        "subscription-is-known",
        `The subscription of ${environment.name} is not known, so nothing was deployed. ` +
          `Set ${environment.subscriptionIdVariable} to its id and synthesize again.`,
      );
    }
  }

  /**
   * Lets the stack be planned and destroyed, but not applied.
   *
   * A condition on a known value would refuse the plan as well, and an apply that is refused leaves its value in the
   * state: so it is one that no plan knows. Every other resource waits for it, so nothing is created before the condition
   * fails. Of what is destroyed, Terraform asks no condition.
   */
  refuseToDeploy(id: string, errorMessage: string): void {
    const refusal = new TerraformData(this, id, {
      input: { holds: `\${${FALSE_WHEN_APPLIED}}` },
      lifecycle: { postcondition: [{ condition: "${self.output.holds}", errorMessage }] },
    });
    if (this.#refusals.length === 0) Aspects.of(this).add(new WaitFor(this.#refusals));
    this.#refusals.push(refusal);
  }
}

function keepState(stack: TerraformStack, environment: Environment, id: string): void {
  const { stateContainer } = environment;
  if (!stateContainer) {
    new LocalBackend(stack, { path: names.stateFile(id) });
    return;
  }
  new AzurermBackend(stack, {
    resourceGroupName: stateContainer.resourceGroup,
    storageAccountName: stateContainer.storageAccount,
    containerName: stateContainer.container,
    key: names.stateKey(environment, id),
    // Whoever deploys signs in with Entra ID: the account's keys would end up in .terraform and in plan files.
    useAzureadAuth: true,
  });
}

/** Makes every resource of a scope wait for some of them. */
class WaitFor implements IAspect {
  readonly #first: readonly TerraformResource[];

  constructor(first: readonly TerraformResource[]) {
    this.#first = first;
  }

  visit(node: IConstruct): void {
    if (!(node instanceof TerraformResource) || this.#first.includes(node)) return;
    node.dependsOn = [...(node.dependsOn ?? []), ...this.#first.map((each) => dependable(each))];
  }
}
