/** The Azure CLI, with the rights of whoever is signed in to it. */
import { type Finished, runAz } from "./az-process.ts";

/** One call of `az`: its command, and its options without their dashes; an option without a value is an empty list. */
export interface AzCall {
  readonly command: string;
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** That whoever is signed in has not the right to do something. */
export class NotAllowed extends Error {}

/** The exit code of `az` for something that is not there. */
const NOT_FOUND = 3;

/** A call as the words of a command line, `az` left out. */
export function words({ command, options }: AzCall): readonly string[] {
  return [
    ...command.split(" "),
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, ...[value].flat().map(String)]),
  ];
}

/** A call as people can repeat it in a shell. */
export function commandLine(call: AzCall): string {
  return ["az", ...words(call).map(quoted)].join(" ");
}

/** As a shell reads it. */
function quoted(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Makes a call, and returns what it prints as JSON.
 *
 * @throws Error with what is wrong and what to do
 */
export async function az(call: AzCall): Promise<unknown> {
  return resultOf(call, await finish(call));
}

/** As {@link az}, but returns nothing where what the call asks for is not there. */
export async function azIfThere(call: AzCall): Promise<unknown> {
  const finished = await finish(call);
  return finished.code === NOT_FOUND ? undefined : resultOf(call, finished);
}

function finish(call: AzCall): Promise<Finished> {
  return runAz([...words(call), "--output", "json", "--only-show-errors"]);
}

function resultOf(call: AzCall, { code, stdout, stderr }: Finished): unknown {
  if (code !== 0) throw failure(call, stderr.replace(/^ERROR: /, "").trim());
  return stdout.trim() === "" ? undefined : JSON.parse(stdout);
}

function failure(call: AzCall, said: string): Error {
  if (/AuthorizationFailed|AuthorizationPermissionMismatch|does not have authorization|Forbidden/.test(said)) {
    return new NotAllowed(`whoever is signed in may not do "az ${call.command}". Azure says: ${said}`);
  }
  return new Error(explain(call, said));
}

function explain({ command }: AzCall, said: string): string {
  if (said.includes("az login")) return "nobody is signed in to the Azure CLI, or not any more: run az login";
  if (/subscription of .* doesn't exist/.test(said)) {
    return `${said} Whoever is signed in does not see it: run az login --tenant with its tenant, or correct the id`;
  }
  if (said.includes("delegated authentication")) {
    return "a service principal is signed in to the Azure CLI, but the role on the state is for a person: run az login";
  }
  return `"az ${command}" failed: ${said}`;
}

/** Whether somebody is signed in: by variables of the process, as in workflows, or to the Azure CLI. */
export async function hasSignIn(variables: NodeJS.ProcessEnv): Promise<boolean> {
  const { ARM_CLIENT_ID, ARM_USE_OIDC, ARM_USE_MSI } = variables;
  if (ARM_CLIENT_ID || ARM_USE_OIDC || ARM_USE_MSI) return true;
  return az({ command: "account show", options: {} }).then(
    () => true,
    () => false,
  );
}
