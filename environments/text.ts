import { z } from "zod";

/** With these Terraform begins a reference, wherever in a stack a text ends up. */
const REFERENCE = /[$%]\{/;

/** Text that meets a rule, which completes the sentence "it must be ...". */
export const text = (rule: string, pattern: RegExp) =>
  z
    .string({ error: rule })
    .regex(pattern, { error: rule, abort: true })
    .refine((given) => !REFERENCE.test(given), { error: "free of ${ and %{, which Terraform would look up" });

/**
 * The id of an Azure resource of a type, such as `Microsoft.Network/privateDnsZones`. Azure spells all but the names in it
 * in several ways, and takes any; azurerm takes one, which it is given here.
 */
export function resourceId(rule: string, type: string) {
  const [namespace = "", outer = "", ...inner] = type.split("/");
  const types = [`providers/${namespace}/${outer}`, ...inner];
  const before = ["subscriptions", "resourceGroups", ...types].map((each) => `/${each}/`);
  const pattern = new RegExp(`^(?=/[^/]+/[0-9a-f-]{36}/)${before.map((each) => `${each}([^/]+)`).join("")}$`, "i");
  const spelling = before.map((each, index) => `${each}$${index + 1}`).join("");
  return text(rule, pattern).transform((id) => id.replace(pattern, spelling));
}
