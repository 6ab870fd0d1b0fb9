/** What all resources of Azure Resource Manager have in common: ids, parents, references, and the four verbs. */
import { z } from "zod";
import type { Account } from "../account.ts";
import { AUDIENCES } from "../account.ts";
import { bodyOf, type Call, Refusal, reply, type Reply, type Route, routesOf, without } from "../http.ts";
import type { Store, Table } from "../store.ts";
import { refuseIfLocked } from "./locks.ts";

/** A resource as it is read. */
export interface ArmResource {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

interface Stored {
  readonly resource: ArmResource;
  /** Ids of what it is of no use without: these cannot be deleted while it is there. */
  readonly uses: readonly string[];
}

/** Spelled as in Azure's list, and as some services spell them in answers. */
export const REGIONS: Readonly<Record<string, string>> = {
  eastus: "East US",
  eastus2: "East US 2",
  germanywestcentral: "Germany West Central",
  northeurope: "North Europe",
  uksouth: "UK South",
  westeurope: "West Europe",
  westus2: "West US 2",
};

/** Every resource of every subscription, by its id. */
export class Arm {
  readonly store: Store;
  readonly account: Account;
  readonly #resources: Table<Stored>;

  constructor(store: Store, account: Account) {
    this.store = store;
    this.account = account;
    this.#resources = store.table<Stored>("azure", { isCaseless: true });
  }

  get(id: string): ArmResource | undefined {
    return this.#resources.get(id)?.resource;
  }

  /** @throws Refusal where there is none */
  need(id: string, whoNeedsIt: string): ArmResource {
    const resource = this.get(id);
    if (resource) return resource;
    throw new Refusal(404, "ResourceNotFound", `${whoNeedsIt} refers to ${id}, which does not exist`);
  }

  set(resource: ArmResource, uses: readonly string[] = []): ArmResource {
    this.#resources.set(resource.id, { resource, uses });
    return resource;
  }

  /** Replaces some properties, and nothing else. */
  patch(id: string, properties: ArmResource["properties"]): void {
    const stored = this.#resources.get(id);
    if (!stored) return;
    const { resource } = stored;
    this.#resources.set(id, {
      ...stored,
      resource: { ...resource, properties: { ...resource.properties, ...properties } },
    });
  }

  /** Resources below an id, all or those of one type. */
  below(id: string, type?: string): readonly ArmResource[] {
    const start = `${id.toLowerCase()}/`;
    return this.#resources
      .values()
      .map(({ resource }) => resource)
      .filter((each) => each.id.toLowerCase().startsWith(start) && (type === undefined || each.type === type));
  }

  /** Every resource of a type. */
  ofType(type: string): readonly ArmResource[] {
    return this.#resources
      .values()
      .map(({ resource }) => resource)
      .filter((each) => each.type.toLowerCase() === type.toLowerCase());
  }

  /** @throws Refusal where something else cannot be without it or without what is in it */
  refuseIfUsed(id: string): void {
    const isInside = (each: string) => `${each.toLowerCase()}/`.startsWith(`${id.toLowerCase()}/`);
    const user = this.#resources
      .values()
      .find(({ resource, uses }) => !isInside(resource.id) && uses.some((used) => isInside(used)));
    if (user) throw new Refusal(409, "InUse", `${id} cannot be deleted: ${user.resource.id} uses it`);
  }

  /** Deletes a resource and what is in it; roles on it go as well. */
  remove(id: string): void {
    this.#resources.delete(id);
    this.#resources.deleteBelow(`${id}/`);
  }
}

/** Services of an account are there without having been made. */
const BUILT_IN_SERVICE = /\/(blob|file)Services\/default$/;

/** What makes one type of resources differ from others. */
export interface ArmType {
  /** Such as `Microsoft.Network/virtualNetworks/subnets`. */
  readonly type: string;
  /** The rule that names have to keep. */
  readonly name: RegExp;
  readonly body: z.ZodType<ArmBody>;
  /** The status of an answer to a creation; 201 unless the service has a habit of its own. */
  readonly created?: number;
  /** Properties as they are read: what was sent, and what the service adds. Everything else is read as it was sent. */
  readonly properties?: (given: ArmBody, context: ArmContext) => Readonly<Record<string, unknown>>;
  /** What the service adds beside the properties. */
  readonly fields?: (given: ArmBody, context: ArmContext) => Readonly<Record<string, unknown>>;
  /** Ids of what must exist, and stay as long as the resource does. */
  readonly uses?: (given: ArmBody) => readonly string[];
  /** Looks at what only the service can see; throws where it is not as it has to be. */
  readonly check?: (given: ArmBody, context: ArmContext) => void;
  /** What else comes with a resource, and goes with it. */
  readonly afterPut?: (resource: ArmResource, context: ArmContext) => void;
  readonly beforeDelete?: (resource: ArmResource, call: Call) => void;
}

export interface ArmBody {
  readonly location?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
  readonly [field: string]: unknown;
}

export interface ArmContext {
  readonly id: string;
  readonly name: string;
  readonly arm: Arm;
  readonly previous: ArmResource | undefined;
}

export const tags = z.record(z.string().max(512), z.string().max(256)).optional();
export const region = z.string().refine((value) => value.replaceAll(" ", "").toLowerCase() in REGIONS, {
  error: "no region of Azure",
});
/** The id of a resource, alone in an object, as bodies refer to others. */
export const reference = z.strictObject({ id: z.string() });

/** The routes by which resources of a type are made, read, changed and deleted. */
export function armRoutes(arm: Arm, type: ArmType): readonly Route[] {
  const [namespace = "", ...types] = type.type.split("/");
  const collection = types.map((each, i) => `/${each}${i < types.length - 1 ? `/{parent${i}}` : ""}`).join("");
  const inGroup = `/subscriptions/{subscription}/resourceGroups/{group}/providers/${namespace}${collection}`;
  const path = `${inGroup}/{name}`;
  const idOf = ({ params }: Call) => path.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? "");
  const contextOf = (call: Call): ArmContext => {
    const id = idOf(call);
    return { id, name: call.params.name ?? "", arm, previous: arm.get(id) };
  };

  const put = (call: Call, given: ArmBody): Reply => {
    const context = contextOf(call);
    const { id, name, previous } = context;
    if (!type.name.test(name)) throw new Refusal(400, "InvalidResourceName", `${name} is no name of a ${type.type}`);
    const parent = types.length > 1 ? id.split("/").slice(0, -2).join("/") : id.split("/").slice(0, 5).join("/");
    if (!arm.get(parent.replace(BUILT_IN_SERVICE, "")))
      throw new Refusal(404, "ParentResourceNotFound", `${parent} does not exist`);
    if (previous?.location && given.location && normal(previous.location) !== normal(given.location)) {
      throw new Refusal(409, "InvalidResourceLocation", `${id} is in ${previous.location} already`);
    }
    const uses = type.uses?.(given) ?? [];
    for (const used of uses) arm.need(used, id);
    type.check?.(given, context);
    const resource = arm.set(
      {
        ...given,
        ...type.fields?.(given, context),
        id,
        name,
        type: type.type,
        ...(given.location !== undefined && { location: normal(given.location) }),
        properties: {
          ...given.properties,
          ...type.properties?.(given, context),
          provisioningState: "Succeeded",
        },
      },
      uses,
    );
    type.afterPut?.(resource, context);
    return reply(previous ? 200 : (type.created ?? 201), arm.get(id) ?? resource);
  };

  const answers: Record<string, Route["answer"]> = {
    [`GET ${path}`]: (call) => reply(200, existing(arm, idOf(call))),
    [`PUT ${path}`]: (call) => put(call, bodyOf(withoutEnvelope(call), type.body)),
    [`PATCH ${path}`]: (call) => {
      const previous = existing(arm, idOf(call));
      return put(call, merged(type, previous, call));
    },
    [`DELETE ${path}`]: (call) => {
      const resource = arm.get(idOf(call));
      if (!resource) return reply(204);
      arm.refuseIfUsed(resource.id);
      refuseIfLocked(arm, resource.id);
      type.beforeDelete?.(resource, call);
      arm.remove(resource.id);
      return reply(200);
    },
    [`GET ${inGroup}`]: (call) => {
      const depth = types.length > 1 ? idOf(call).split("/").length - 2 : 5;
      return reply(200, { value: arm.below(idOf(call).split("/").slice(0, depth).join("/"), type.type) });
    },
  };
  return routesOf("resource-manager", answers).map((route) => withSignIn(arm, route));
}

/** A resource that was read may be sent back; the service knows best what is called how. */
function withoutEnvelope(call: Call): Call {
  if (typeof call.body !== "object" || call.body === null) return call;
  return { ...call, body: without(call.body as ArmBody, "id", "name", "type", "etag", "systemData") };
}

/** A patch names what changes; the rest stays as it was sent before. */
function merged(type: ArmType, previous: ArmResource, call: Call): ArmBody {
  const partial = type.body instanceof z.ZodObject ? (type.body.partial() as z.ZodType<ArmBody>) : type.body;
  const given = bodyOf(withoutEnvelope(call), partial);
  return { ...previous, ...given, properties: { ...previous.properties, ...given.properties } };
}

export function existing(arm: Arm, id: string): ArmResource {
  const resource = arm.get(id);
  if (!resource) throw new Refusal(404, "ResourceNotFound", `The Resource '${id}' was not found.`);
  return resource;
}

/** Only who is known to the directory is answered. */
export function withSignIn(arm: Arm, route: Route): Route {
  const audiences = [AUDIENCES.resourceManager, AUDIENCES.serviceManagement];
  return {
    ...route,
    answer: (call) => {
      arm.account.holderOf(call.headers.authorization, audiences);
      return route.answer(call);
    },
  };
}

/** A region as most services spell it. */
export const normal = (location: string) => location.replaceAll(" ", "").toLowerCase();
