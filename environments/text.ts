import { z } from "zod";

/** Text that meets a rule, which completes the sentence "it must be ...". */
export const text = (rule: string, pattern: RegExp) => z.string({ error: rule }).regex(pattern, { error: rule });

/** Pattern of the ids of Azure resources of a type, such as `Microsoft.Network/privateDnsZones`. */
export function resourceIdOf(type: string): RegExp {
  const [namespace = "", ...types] = type.split("/");
  const names = types.map((each) => `/${each}/[^/]+`).join("");
  return new RegExp(`^/subscriptions/[0-9a-f-]{36}/resourceGroups/[^/]+/providers/${namespace}${names}$`, "i");
}
