/** Roles: who may do what where, and how late that takes effect. */
import { z } from "zod";
import { bodyOf, type Call, Refusal, reply, type Route, routesOf, without } from "../http.ts";
import type { Random } from "../random.ts";
import { type Arm, existing, withSignIn } from "./arm.ts";

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
export const BUILT_IN: Readonly<Record<string, string>> = {
  Contributor: "b24988ac-6180-42a0-ab88-20f7382dd24c",
  Owner: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
  Reader: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
  "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
  "Storage Account Contributor": "17d1049b-9a84-46fb-8f53-869881c3d3ab",
  "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
  "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
  "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
  "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
  "EventGrid EventSubscription Contributor": "428e0ff0-5e57-4d9c-a221-2c70d0e0a443",
  "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
};

const body = z.strictObject({
  properties: z.strictObject({
    roleDefinitionId: z.string(),
    principalId: z.guid(),
    principalType: z.enum(["ServicePrincipal", "User", "Group"]).optional(),
    description: z.string().optional(),
    condition: z.string().optional(),
    conditionVersion: z.string().optional(),
    delegatedManagedIdentityResourceId: z.string().optional(),
  }),
});

const TYPE = "Microsoft.Authorization/roleAssignments";

export class Roles {
  readonly #arm: Arm;
  readonly #random: Random;
  readonly #mostLateMilliseconds: number;

  /** Each role takes effect at some moment within a time after it was assigned. */
  constructor(arm: Arm, random: Random, mostLateMilliseconds: number) {
    this.#arm = arm;
    this.#random = random;
    this.#mostLateMilliseconds = mostLateMilliseconds;
  }

  /** Whether a principal has one of some roles on something, or on what it is part of, and has it by now. */
  areInEffect(principalId: string, names: readonly string[], on: string): boolean {
    const now = Date.now();
    return this.#arm.ofType(TYPE).some(({ properties }) => {
      const scope = String(properties.scope).toLowerCase();
      return (
        properties.principalId === principalId &&
        `${on.toLowerCase()}/`.startsWith(`${scope}/`) &&
        names.some((name) => String(properties.roleDefinitionId).endsWith(BUILT_IN[name] ?? "?")) &&
        Number(properties.inEffectAt) <= now
      );
    });
  }

  routes(): readonly Route[] {
    const arm = this.#arm;
    const provider = "{scope*}/providers/Microsoft.Authorization";
    const assignment = `${provider}/roleAssignments/{name}`;
    const idOf = ({ params }: Call) => `${params.scope}/providers/${TYPE}/${params.name}`;
    const shown = (call: Call) => {
      const { properties, ...resource } = existing(arm, idOf(call));
      return { ...resource, properties: without(properties, "inEffectAt") };
    };
    return routesOf("resource-manager", {
      [`GET ${provider}/roleDefinitions`]: (call) => reply(200, { value: definitions(call) }),
      [`GET ${provider}/roleDefinitions/{definition}`]: (call) => {
        const [found] = definitions(call).filter(({ name }) => name === call.params.definition);
        if (!found) throw new Refusal(404, "RoleDefinitionDoesNotExist", `there is no role ${call.params.definition}`);
        return reply(200, found);
      },
      // A subscription tells of all that is in it as well, everything else of what is above it.
      [`GET ${provider}/roleAssignments`]: ({ params: { scope = "" } }) =>
        reply(200, {
          value: arm
            .ofType(TYPE)
            .filter(({ properties }) =>
              /^\/subscriptions\/[^/]+$/.test(scope)
                ? `${String(properties.scope)}/`.startsWith(`${scope}/`)
                : `${scope}/`.startsWith(`${String(properties.scope)}/`),
            ),
        }),
      [`GET ${assignment}`]: (call) => reply(200, shown(call)),
      [`PUT ${assignment}`]: (call) => {
        const { properties } = bodyOf(call, body);
        this.#assign(idOf(call), call.params.scope ?? "", properties);
        return reply(201, shown(call));
      },
      [`DELETE ${assignment}`]: (call) => {
        if (!arm.get(idOf(call))) return reply(204);
        const told = shown(call);
        arm.remove(idOf(call));
        return reply(200, told);
      },
    }).map((route) => withSignIn(arm, route));
  }

  #assign(id: string, scope: string, given: z.output<typeof body>["properties"]): void {
    const arm = this.#arm;
    if (!/^\/subscriptions\/[^/]+$/.test(scope)) arm.need(scope, "a role assignment");
    const definition = given.roleDefinitionId.split("/").at(-1) ?? "";
    if (!Object.values(BUILT_IN).includes(definition)) {
      throw new Refusal(400, "RoleDefinitionDoesNotExist", `there is no role ${definition}`);
    }
    if (!isPrincipal(arm, given.principalId)) {
      throw new Refusal(400, "PrincipalNotFound", `Principal ${given.principalId} does not exist in the directory`);
    }
    const twin = arm
      .ofType(TYPE)
      .find(
        ({ properties }) =>
          properties.scope === scope &&
          properties.principalId === given.principalId &&
          String(properties.roleDefinitionId).endsWith(definition),
      );
    if (twin) {
      const number = twin.name.replaceAll("-", "");
      const words = `The role assignment already exists. The ID of the conflicting role assignment is ${number}.`;
      throw new Refusal(409, "RoleAssignmentExists", words);
    }
    arm.set({
      id,
      name: id.split("/").at(-1) ?? "",
      type: TYPE,
      properties: {
        ...given,
        roleDefinitionId: definitionId(scope, definition),
        scope,
        inEffectAt: Date.now() + this.#random.next("role takes effect") * this.#mostLateMilliseconds,
      },
    });
  }
}

/** Identities of resources are principals as well, as long as the resources exist. */
function isPrincipal(arm: Arm, principalId: string): boolean {
  return (
    arm
      .below("/subscriptions")
      .some(
        (resource) =>
          resource.properties.principalId === principalId ||
          (resource.identity as { principalId?: string } | undefined)?.principalId === principalId,
      ) || arm.account.withObjectId(principalId) !== undefined
  );
}

const definitionId = (scope: string, definition: string) =>
  `/subscriptions/${scope.split("/")[2]}/providers/Microsoft.Authorization/roleDefinitions/${definition}`;

function definitions({ params, query }: Call) {
  const wanted = /roleName eq '(.*)'/.exec(query.get("$filter") ?? "")?.[1];
  return Object.entries(BUILT_IN)
    .filter(([role]) => wanted === undefined || role === wanted)
    .map(([roleName, name]) => ({
      id: definitionId(params.scope ?? "", name),
      name,
      type: "Microsoft.Authorization/roleDefinitions",
      properties: { roleName, type: "BuiltInRole", description: "", assignableScopes: ["/"], permissions: [] },
    }));
}
