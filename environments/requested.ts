import { dev } from "./dev.ts";
import { type Environment, resolveEnvironment, type Variables } from "./environment.ts";
import { prod } from "./prod.ts";
import { sandbox, type SandboxRequest } from "./sandbox.ts";
import { staging } from "./staging.ts";

/** The variables of the process that ask for a sandbox beside the lasting environments: all of them or none. */
const SANDBOX_VARIABLES = {
  owner: "ORDER_TRACKING_SANDBOX_OWNER",
  branch: "ORDER_TRACKING_SANDBOX_BRANCH",
  expiresOn: "ORDER_TRACKING_SANDBOX_EXPIRES_ON",
} as const satisfies Record<keyof SandboxRequest, string>;

/** The environments to synthesize: dev, staging and prod, and the sandbox that the process's variables ask for. */
export function requestedEnvironments(variables: Variables): readonly Environment[] {
  const request = sandboxRequest(variables);
  const settings = [dev, staging, prod, ...(request ? [sandbox(request)] : [])];
  return settings.map((each) => resolveEnvironment(each, variables));
}

function sandboxRequest(variables: Variables): SandboxRequest | undefined {
  const owner = variables[SANDBOX_VARIABLES.owner];
  const branch = variables[SANDBOX_VARIABLES.branch];
  const expiresOn = variables[SANDBOX_VARIABLES.expiresOn];
  if (owner && branch && expiresOn) return { owner, branch, expiresOn };
  if (!owner && !branch && !expiresOn) return undefined;
  const missing = Object.values(SANDBOX_VARIABLES).filter((name) => !variables[name]);
  throw new Error(`a sandbox needs an owner, a branch and an expiry: set ${missing.join(" and ")}`);
}
