/** Refuses what breaks a rule and is not waived: at synth, or, where a waiver has expired, when it is deployed. */
import { Annotations, TerraformResource, type TerraformStack } from "cdktf";
import type { Environment, Waiver } from "../../environments/environment.ts";
import type { EnvironmentStack } from "../environment-stack.ts";
import { type Block, type Rule, RULES } from "./rules.ts";

/** A rule that a construct breaks. */
interface Violation {
  readonly rule: string;
  /** Path of the construct, its stack first. */
  readonly construct: string;
  readonly sentence: string;
}

/** Why a stack is refused, and which construct is to blame. */
export interface Refusal {
  readonly construct: string;
  readonly message: string;
}

/**
 * Holds a stack to the rules, and returns all that is to be changed before it can be synthesized.
 *
 * A waiver that has expired stops what is deployed, with a warning at synth: time alone breaks nothing that a plan or a
 * destroy would need. Reads resources as Terraform will, so that it sees overrides of them and of their stack, which their
 * getters do not know. What an aspect changes is not seen.
 *
 * @param today the day that decides which waivers have expired, as YYYY-MM-DD
 */
export function holdToGuardRails(stack: EnvironmentStack, environment: Environment, today: string): readonly Refusal[] {
  const waivers = environment.waivers.filter(({ construct }) => construct.split("/")[0] === stack.node.path);
  const { atSynth, whenDeployed } = refusals(violations(stack, environment), waivers, today);
  if (whenDeployed.length > 0) {
    const sentences = whenDeployed.map(({ construct, message }) => `[${construct}] ${message}`);
    for (const sentence of sentences) Annotations.of(stack).addWarning(sentence);
    stack.refuseToDeploy("waivers-hold", [`Nothing of ${stack.node.id} was deployed.`, ...sentences].join(" "));
  }
  return atSynth;
}

/** A resource of no construct, which an override of the stack added, is named by its id. */
function violations(stack: TerraformStack, environment: Environment): readonly Violation[] {
  const constructs = new Map(
    stack.node
      .findAll()
      .filter((construct) => construct instanceof TerraformResource)
      .map((resource) => [`${resource.terraformResourceType}.${resource.friendlyUniqueId}`, resource]),
  );
  const { resource = {} } = stack.toTerraform() as { resource?: Record<string, Record<string, Block>> };
  return Object.entries(resource).flatMap(([terraformResourceType, blocks]) =>
    Object.entries(blocks).flatMap(([resourceId, block]) => {
      const made = constructs.get(`${terraformResourceType}.${resourceId}`);
      const construct = made?.node.path ?? `${stack.node.path}/${resourceId}`;
      const isBroken = ({ concerns, isKept }: Rule) =>
        concerns(made ?? { terraformResourceType }) && !isKept(block, environment);
      return RULES.filter(isBroken).map(({ id, sentence }) => ({ rule: id, construct, sentence }));
    }),
  );
}

/** What is left of the violations under these waivers, and what is wrong with the waivers themselves. */
export function refusals(
  violations: readonly Violation[],
  waivers: readonly Waiver[],
  today: string,
): { readonly atSynth: readonly Refusal[]; readonly whenDeployed: readonly Refusal[] } {
  const isAbout = (waiver: Waiver) => (violation: Violation) =>
    waiver.rule === violation.rule && waiver.construct === violation.construct;
  const waiverOf = (violation: Violation) => waivers.find((each) => isAbout(each)(violation));
  const unwaived = violations
    .filter((violation) => !waiverOf(violation))
    .map(({ rule, construct, sentence }) => ({ construct, message: `${rule}: ${sentence}.` }));
  const pointless = waivers
    .filter((waiver) => !violations.some(isAbout(waiver)))
    .map(({ rule, construct }) => ({
      construct,
      message: `the waiver of ${rule} for ${construct} waives nothing: remove it from the environment, or correct it.`,
    }));
  const whenDeployed = violations.flatMap((violation) => {
    const waiver = waiverOf(violation);
    if (!waiver || waiver.expiresOn >= today) return [];
    const expiry = `Its waiver expired on ${waiver.expiresOn} (${waiver.reason}).`;
    return [{ construct: violation.construct, message: `${violation.rule}: ${violation.sentence}. ${expiry}` }];
  });
  return { atSynth: [...unwaived, ...pointless], whenDeployed };
}
