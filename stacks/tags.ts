import type { Environment } from "../environments/environment.ts";

/** The tags of everything that can have tags. */
export function tags(environment: Environment): Record<string, string> {
  return {
    project: "order-tracking",
    environment: environment.name,
    owner: environment.owner,
    "cost-centre": environment.costCentre,
    "source-repository": environment.sourceRepository,
    "managed-by": "terraform",
    ...(environment.branch && { branch: environment.branch }),
    ...(environment.expiresOn && { "expires-on": environment.expiresOn }),
  };
}
