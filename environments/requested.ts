/** Which environments a process asks for. */
import { dev } from "./dev.ts";
import {
  type Environment,
  EnvironmentError,
  type EnvironmentSettings,
  resolveEnvironment,
  SANDBOX,
  type Variables,
} from "./environment.ts";
import { prod } from "./prod.ts";
import { refuseTooFar } from "./sandbox-expiry.ts";
import { sandbox, type SandboxRequest } from "./sandbox.ts";
import { staging } from "./staging.ts";
import { WORKSPACE_VARIABLES } from "./workspace-variables.ts";

/** The variable that names environments, with commas between them. */
const NAMES_VARIABLE = "ORDER_TRACKING_ENVIRONMENTS";

/** The variables that say which sandbox: all of them or none. */
export const SANDBOX_VARIABLES = {
  owner: "ORDER_TRACKING_SANDBOX_OWNER",
  branch: "ORDER_TRACKING_SANDBOX_BRANCH",
  expiresOn: "ORDER_TRACKING_SANDBOX_EXPIRES_ON",
} as const satisfies Record<keyof SandboxRequest, string>;

/** Values of DATABRICKS_AUTH_TYPE with which the provider finds the workspace by the resource id in the stacks. */
const FINDS_WORKSPACE = ["azure-cli", "azure-client-secret", "azure-msi"];

/** The environments that last. Where else one has to be named is in docs/environments.md. */
export const LASTING: readonly EnvironmentSettings[] = [dev, staging, prod];

/** An environment that is asked for, right or wrong. */
export interface EnvironmentRequest {
  readonly name: string;
  /** @throws EnvironmentError with what is wrong with it */
  readonly resolve: () => Environment;
}

export interface RequestedEnvironments {
  readonly requests: readonly EnvironmentRequest[];
  /** Whether they were asked for by name: then all of them have to be right. */
  readonly areNamed: boolean;
}

/**
 * The environments that the process's variables name; by default dev, staging and prod, and a sandbox if they say which.
 *
 * @param today as YYYY-MM-DD
 * @throws EnvironmentError where there is no environment of a name
 */
export function requestedEnvironments(variables: Variables, today: string): RequestedEnvironments {
  const lasting = LASTING.map((settings) => ({
    name: settings.name,
    resolve: () => resolveInOwnWorkspace(settings, variables),
  }));
  const names = (variables[NAMES_VARIABLE] ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  if (names.length > 0) {
    const requests = [...new Set(names)].map(
      (name) => lasting.find((each) => each.name === name) ?? sandboxOf(name, variables, today),
    );
    return { requests, areNamed: true };
  }
  const isSandboxSaid = Object.values(SANDBOX_VARIABLES).some((variable) => variables[variable]);
  const sandboxes = isSandboxSaid ? [sandboxOf(SANDBOX, variables, today)] : [];
  return { requests: [...lasting, ...sandboxes], areNamed: false };
}

/**
 * Resolves an environment, and refuses it where the process names a workspace that would be used in place of its own.
 *
 * @throws EnvironmentError with what is wrong with the settings, or which variable to unset
 */
function resolveInOwnWorkspace(settings: EnvironmentSettings, variables: Variables): Environment {
  const environment = resolveEnvironment(settings, variables);
  if (environment.subscriptionId !== undefined) refuseOtherWorkspace(environment.subscriptionIdVariable, variables);
  return environment;
}

/**
 * Where the process tells the Databricks provider a workspace, the provider looks up none, and uses that one for every
 * environment without a word: it would deploy there, and take what it does not find there for gone. A sign-in that cannot
 * look up a workspace needs to be told one, and is taken for meant where DATABRICKS_AUTH_TYPE names it.
 */
function refuseOtherWorkspace(subscriptionIdVariable: string, variables: Variables): void {
  const authType = variables.DATABRICKS_AUTH_TYPE;
  if (authType && !FINDS_WORKSPACE.includes(authType)) return;
  for (const name of WORKSPACE_VARIABLES) {
    if (!variables[name]) continue;
    throw new EnvironmentError(
      `${name} is ${variables[name]}, and would be used in place of the environment's own workspace. Unset it: the ` +
        `workspace follows from ${subscriptionIdVariable}. If you sign in in a way that needs it, such as ` +
        "github-oidc-azure or pat, say so in DATABRICKS_AUTH_TYPE.",
    );
  }
}

/** The sandbox, if it is the one of this name. */
function sandboxOf(name: string, variables: Variables, today: string): EnvironmentRequest {
  const resolve = () => resolveInOwnWorkspace(sandbox(sandboxRequest(variables, today)), variables);
  if (name === SANDBOX) return { name, resolve };
  const known = LASTING.map((each) => each.name);
  const isSaid = Object.values(SANDBOX_VARIABLES).every((variable) => variables[variable]);
  const sandboxes = isSaid ? [sandbox(sandboxRequest(variables, today)).name] : [];
  if (sandboxes.includes(name)) return { name, resolve };
  throw new EnvironmentError(
    `there is no environment ${name}; there are: ${[...known, ...sandboxes, SANDBOX].join(", ")}`,
  );
}

/** Its last day may have passed: then it can only be destroyed. */
function sandboxRequest(variables: Variables, today: string): SandboxRequest {
  const owner = variables[SANDBOX_VARIABLES.owner];
  const branch = variables[SANDBOX_VARIABLES.branch];
  const expiresOn = variables[SANDBOX_VARIABLES.expiresOn];
  if (!owner || !branch || !expiresOn) {
    const missing = Object.values(SANDBOX_VARIABLES).filter((name) => !variables[name]);
    throw new EnvironmentError(`a sandbox needs an owner, a branch and an expiry: set ${missing.join(" and ")}`);
  }
  refuseTooFar(SANDBOX_VARIABLES.expiresOn, expiresOn, today);
  return { owner, branch, expiresOn };
}
