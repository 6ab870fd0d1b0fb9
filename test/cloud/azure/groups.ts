/** Subscriptions and resource groups. */
import { z } from "zod";
import type { Lake } from "../lake.ts";
import { bodyOf, type Call, Refusal, reply, type Route, routesOf } from "../http.ts";
import { type Arm, type ArmResource, existing, normal, region, tags, withSignIn } from "./arm.ts";
import { refuseIfLocked } from "./locks.ts";

const body = z.strictObject({ location: region, tags, managedBy: z.string().optional() });
const patch = body.partial();
const NAME = /^[\w.()-]{0,89}[\w()-]$/;

/** Makes a resource group; also for services that make some of their own. */
export function putGroup(arm: Arm, id: string, given: z.output<typeof body>) {
  return arm.set({
    ...given,
    id,
    name: id.split("/").at(-1) ?? "",
    type: "Microsoft.Resources/resourceGroups",
    location: normal(given.location),
    properties: { provisioningState: "Succeeded" },
  });
}

export function groupRoutes(arm: Arm, lake: Lake): readonly Route[] {
  const idOf = ({ params }: Call) => `/subscriptions/${params.subscription}/resourceGroups/${params.group}`;
  const path = "/subscriptions/{subscription}/resourceGroups/{group}";
  return routesOf("resource-manager", {
    "GET /subscriptions/{subscription}": ({ params }) =>
      reply(200, {
        id: `/subscriptions/${params.subscription}`,
        subscriptionId: params.subscription,
        displayName: "stand-in",
        state: "Enabled",
      }),
    "GET /subscriptions/{subscription}/resources": ({ params, query }) => {
      const filter = query.get("$filter") ?? "";
      const all = arm.below(`/subscriptions/${params.subscription}`);
      const [, tag = "", value] = /^tagName eq '(.+)' and tagValue eq '(.+)'$/.exec(filter) ?? [];
      if (value !== undefined) {
        const isListed = ({ type }: ArmResource) => type !== "Microsoft.Resources/resourceGroups";
        return reply(200, { value: all.filter((each) => isListed(each) && each.tags?.[tag] === value) });
      }
      const type = /resourceType eq '([^']+)'/.exec(filter)?.[1];
      return reply(200, { value: all.filter((each) => each.type.toLowerCase() === type?.toLowerCase()) });
    },
    "GET /subscriptions/{subscription}/resourceGroups": ({ params }) => {
      const start = `/subscriptions/${params.subscription}/`.toLowerCase();
      const groups = arm.ofType("Microsoft.Resources/resourceGroups");
      return reply(200, { value: groups.filter(({ id }) => id.toLowerCase().startsWith(start)) });
    },
    [`GET ${path}`]: (call) => {
      const group = arm.get(idOf(call));
      if (!group) throw new Refusal(404, "ResourceGroupNotFound", `Resource group '${idOf(call)}' could not be found.`);
      return reply(200, group);
    },
    [`HEAD ${path}`]: (call) => reply(arm.get(idOf(call)) ? 204 : 404),
    [`PUT ${path}`]: (call) => {
      const id = idOf(call);
      const previous = arm.get(id);
      const given = bodyOf(call, body);
      if (!NAME.test(call.params.group ?? "")) throw new Refusal(400, "InvalidResourceGroup", `${id} is no name`);
      if (previous && previous.location !== normal(given.location)) {
        throw new Refusal(409, "InvalidResourceGroupLocation", `${id} is in ${String(previous.location)} already`);
      }
      return reply(previous ? 200 : 201, putGroup(arm, id, given));
    },
    [`PATCH ${path}`]: (call) => {
      const previous = existing(arm, idOf(call));
      const given = bodyOf(call, patch);
      return reply(
        200,
        arm.set({ ...previous, ...given, ...(given.location && { location: normal(given.location) }) }),
      );
    },
    [`GET ${path}/resources`]: (call) =>
      reply(200, {
        value: arm
          .below(existing(arm, idOf(call)).id)
          // Only what stands for itself is listed, not the parts of something else.
          .filter(({ id }) => id.split("/").length === 9 && !id.includes("/Microsoft.Authorization/"))
          .map(({ id, name, type, location, tags }) => ({ id, name, type, location, tags })),
      }),
    [`DELETE ${path}`]: (call) => {
      const { id, managedBy } = existing(arm, idOf(call));
      if (typeof managedBy === "string" && arm.get(managedBy)) {
        throw new Refusal(409, "DenyAssignmentAuthorizationFailed", `${id} is managed by ${managedBy}`);
      }
      arm.refuseIfUsed(id);
      refuseIfLocked(arm, id);
      for (const { name } of arm.below(id, "Microsoft.Storage/storageAccounts")) lake.deleteBelow(`${name}/`);
      arm.remove(id);
      return reply(200);
    },
  }).map((route) => withSignIn(arm, route));
}
