/** Refuses, at synth, what breaks a rule and is not waived. */
import { Annotations, type IAspect, TerraformResource, TerraformStack } from "cdktf";
import type { IConstruct } from "constructs";
import type { Environment, Waiver } from "../../environments/environment.ts";
import { type Block, type Rule, RULES } from "./rules.ts";

/** A rule that a construct breaks. */
interface Violation {
  readonly rule: string;
  /** Path of the construct, its stack first. */
  readonly construct: string;
  readonly sentence: string;
}

/** Why a stack cannot be synthesized, and which construct is to blame. */
interface Refusal {
  readonly construct: string;
  readonly message: string;
}

/**
 * Holds a stack to the rules: each violation is an error on its construct, and `cdktf synth` lists them all and fails.
 *
 * Reads resources as Terraform will, so that it sees overrides, which their getters do not know. Aspects come to a stack
 * before they come to its resources: what another aspect changes in these is not seen.
 */
export class GuardRails implements IAspect {
  readonly #environment: Environment;
  readonly #today: string;

  /** @param today the day that decides which waivers have expired, as YYYY-MM-DD */
  constructor(environment: Environment, today: string) {
    this.#environment = environment;
    this.#today = today;
  }

  visit(node: IConstruct): void {
    if (!(node instanceof TerraformStack)) return;
    const waivers = this.#environment.waivers.filter(({ construct }) => construct.split("/")[0] === node.node.path);
    const constructs = new Map(node.node.findAll().map((construct) => [construct.node.path, construct]));
    for (const { construct, message } of refusals(violations(node, this.#environment), waivers, this.#today)) {
      Annotations.of(constructs.get(construct) ?? node).addError(message);
    }
  }
}

function violations(stack: TerraformStack, environment: Environment): readonly Violation[] {
  return stack.node
    .findAll()
    .filter((construct) => construct instanceof TerraformResource)
    .flatMap((resource) => {
      const block = asTerraformReads(resource);
      const isBroken = ({ concerns, isKept }: Rule) => block && concerns(resource) && !isKept(block, environment);
      return RULES.filter(isBroken).map(({ id, sentence }) => ({ rule: id, construct: resource.node.path, sentence }));
    });
}

/**
 * The resource's block of the stack's JSON, but for references to other resources, which are still tokens. There is
 * none for a resource that has been moved to another one.
 */
function asTerraformReads(resource: TerraformResource): Block | undefined {
  const { resource: blocks } = resource.toTerraform() as { resource?: Record<string, Record<string, Block>> };
  return blocks?.[resource.terraformResourceType]?.[resource.friendlyUniqueId];
}

/** What is left of the violations under these waivers, and what is wrong with the waivers themselves. */
export function refusals(
  violations: readonly Violation[],
  waivers: readonly Waiver[],
  today: string,
): readonly Refusal[] {
  const isAbout = (waiver: Waiver) => (violation: Violation) =>
    waiver.rule === violation.rule && waiver.construct === violation.construct;
  const unwaived = violations.flatMap((violation) => {
    const waiver = waivers.find((each) => isAbout(each)(violation));
    if (waiver && waiver.expiresOn >= today) return [];
    const expiry = waiver ? ` Its waiver expired on ${waiver.expiresOn} (${waiver.reason}).` : "";
    return [{ construct: violation.construct, message: `${violation.rule}: ${violation.sentence}.${expiry}` }];
  });
  const pointless = waivers
    .filter((waiver) => !violations.some(isAbout(waiver)))
    .map(({ rule, construct }) => ({
      construct,
      message: `the waiver of ${rule} for ${construct} waives nothing: remove it from the environment, or correct it.`,
    }));
  return [...unwaived, ...pointless];
}
