/** What people have to do by hand after a deployment that broke, as commands tell it. */
import { folderOf, UNWRITTEN_STATE, unwrittenStates } from "../deploy/plan-stacks.ts";
import { shellWord, shownPath } from "./arguments.ts";

/**
 * What to do about what Terraform refuses since a deployment broke before; nothing where it refuses something else.
 *
 * @param said what Terraform said
 * @param environment as the command was asked for it
 */
export function adviceFor(said: string, environment: string, stack: string): string | undefined {
  const [, lasting = ""] = /Resource (\S+)\s+has\s+lifecycle\.prevent_destroy/.exec(said) ?? [];
  if (said.includes(`# ${lasting} is tainted`)) {
    return [
      `A deployment broke while it made ${lasting}, which must last. Look at it as docs/deploy.md says, then:`,
      ...inSynthesized(environment, stack, `untaint ${shellWord(lasting)}`),
    ].join("\n");
  }
  const [, id] = /^\s*ID:\s+([0-9a-f-]{36})/m.exec(said) ?? [];
  if (!said.includes("Error acquiring the state lock") || id === undefined) return undefined;
  return [
    "Somebody deploys at this moment; wait, and plan again. Only if it is sure that nobody does, as a deployment was killed,",
    "remove its lock, then plan again:",
    ...unlocking(environment, stack, id),
  ].join("\n");
}

/** The commands that remove the lock of a state. */
export function unlocking(environment: string, stack: string, id: string): readonly string[] {
  return inSynthesized(environment, stack, `force-unlock ${id}`);
}

/** Terraform on the state of a stack, in a folder that no command of this project removes. */
function inSynthesized(environment: string, stack: string, command: string): readonly string[] {
  const terraform = `terraform -chdir=cdktf.out/stacks/${stack}`;
  return [
    `  ORDER_TRACKING_ENVIRONMENTS=${shellWord(environment)} npx cdktf synth`,
    `  ${terraform} init`,
    `  ${terraform} ${command}`,
  ];
}

/** How to bring what {@link unwrittenStates} finds in a folder to where it belongs; nothing where there is none. */
export function unwrittenAdvice(directory: string): string | undefined {
  const stacks = unwrittenStates(directory);
  if (stacks.length === 0) return undefined;
  return [
    `The state could not be written after a deployment: only ${UNWRITTEN_STATE} tells what that made. Before anything else:`,
    ...stacks.map((stack) => {
      const folder = shellWord(shownPath(folderOf(directory, stack)));
      return `  terraform -chdir=${folder} state push ${UNWRITTEN_STATE} && rm ${folder}/${UNWRITTEN_STATE}`;
    }),
    "If that deployment has left its lock, the push names its ID. Then first, in the same folder: terraform force-unlock ID",
  ].join("\n");
}

/** @throws Error where a folder holds the only record of what a deployment made, with what to do */
export function refuseUnwrittenStates(directory: string): void {
  const advice = unwrittenAdvice(directory);
  if (advice !== undefined) throw new Error(advice);
}
