/** Locks against deletion. */
import { z } from "zod";
import { bodyOf, type Call, Refusal, reply, type Route, routesOf } from "../http.ts";
import { type Arm, existing, withSignIn } from "./arm.ts";

const TYPE = "Microsoft.Authorization/locks";
const body = z.strictObject({
  properties: z.strictObject({ level: z.enum(["CanNotDelete", "ReadOnly"]), notes: z.string().optional() }),
});

/** @throws Refusal where something, or what it is part of, or a part of it is locked */
export function refuseIfLocked(arm: Arm, id: string): void {
  const lock = arm.ofType(TYPE).find((each) => {
    const scope = each.id.slice(0, each.id.indexOf(`/providers/${TYPE}`)).toLowerCase();
    return `${id.toLowerCase()}/`.startsWith(`${scope}/`) || scope.startsWith(`${id.toLowerCase()}/`);
  });
  if (lock) throw new Refusal(409, "ScopeLocked", `${id} cannot be deleted because of the lock ${lock.id}`);
}

export function lockRoutes(arm: Arm): readonly Route[] {
  const path = `{scope*}/providers/${TYPE}/{name}`;
  const idOf = ({ params }: Call) => `${params.scope}/providers/${TYPE}/${params.name}`;
  return routesOf("resource-manager", {
    [`GET ${path}`]: (call) => reply(200, existing(arm, idOf(call))),
    [`GET {scope*}/providers/${TYPE}`]: ({ params }) =>
      reply(200, {
        value: arm.ofType(TYPE).filter(({ id }) => id.startsWith(`${params.scope}/providers/${TYPE}/`)),
      }),
    [`PUT ${path}`]: (call) => {
      arm.need(call.params.scope ?? "", "a lock");
      const { properties } = bodyOf(call, body);
      return reply(201, arm.set({ id: idOf(call), name: call.params.name ?? "", type: TYPE, properties }));
    },
    [`DELETE ${path}`]: (call) => {
      arm.remove(idOf(call));
      return reply(200);
    },
  }).map((route) => withSignIn(arm, route));
}
