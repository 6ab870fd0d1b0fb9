/** The people and the service principals that an environment names, by what they do. */
import type { Environment } from "../environments/environment.ts";

/**
 * - `loaders` put files into the landing directory
 * - `analysts` query the tables
 * - `operators` start and watch runs, and look at what was rejected
 * - `runner` is the service principal that the jobs run as
 * - `deployer` is the service principal that deploys, and that they belong to
 */
export type Persona = "loaders" | "analysts" | "operators" | ServicePrincipal;
type ServicePrincipal = "runner" | "deployer";

/** Whether a persona is a service principal; the others are groups. */
export function isServicePrincipal(persona: Persona): persona is ServicePrincipal {
  return persona === "runner" || persona === "deployer";
}

/** Names of the groups, or the application id of the service principal. */
export function membersOf(persona: Persona, environment: Environment): readonly string[] {
  if (!isServicePrincipal(persona)) return environment[persona];
  const applicationId = persona === "runner" ? environment.runAs : environment.deployer;
  return applicationId === undefined ? [] : [applicationId];
}
