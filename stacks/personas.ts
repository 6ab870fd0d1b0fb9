/** The people and the service principal that an environment names, by what they do. */
import type { Environment } from "../environments/environment.ts";

/**
 * - `loaders` put files into the landing directory
 * - `analysts` query the tables
 * - `operators` start and watch runs, and look at what was rejected
 * - `runner` is the service principal that the jobs run as
 */
export type Persona = "loaders" | "analysts" | "operators" | "runner";

/** Names of the groups, or the application id of the service principal. */
export function membersOf(persona: Persona, environment: Environment): readonly string[] {
  if (persona !== "runner") return environment[persona];
  return environment.runAs === undefined ? [] : [environment.runAs];
}
