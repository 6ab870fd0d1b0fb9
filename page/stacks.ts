/** The stacks of an environment, read from what was synthesized: their resources, who may do what, and what costs. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { STACK_KINDS } from "../environments/names.ts";
import { RESOURCE_COSTS, type ResourceCost } from "../review/resource-costs.ts";
import { typeInWords } from "../review/words.ts";

const resourceType = z.looseObject({
  "//": z.object({ metadata: z.object({ path: z.string() }) }),
  name: z.string().optional(),
  display_name: z.string().optional(),
});
const stackType = z.object({ resource: z.record(z.string(), z.record(z.string(), resourceType)) });

/** Resources of one kind in one construct. */
export interface Resources {
  /** Such as "storage account". */
  readonly kind: string;
  readonly names: readonly string[];
  readonly costsWhileIdle: boolean;
}

/** A construct of a stack, by what it is for. */
export interface Group {
  readonly name: string;
  readonly resources: readonly Resources[];
}

export interface Stack {
  readonly name: string;
  readonly count: number;
  readonly groups: readonly Group[];
}

/** What somebody may do with something. */
export interface Right {
  readonly who: string;
  readonly may: string;
  readonly on: string;
}

export interface Cost extends ResourceCost {
  readonly what: string;
}

export interface Picture {
  readonly stacks: readonly Stack[];
  readonly rights: readonly Right[];
  readonly costs: readonly Cost[];
}

/** A resource with what it is called in a stack. */
interface Resource {
  readonly type: string;
  readonly id: string;
  readonly given: z.output<typeof resourceType>;
}

/**
 * Reads the stacks of an environment; undefined where they are not all there.
 *
 * @throws Error where one is not what `cdktf synth` writes
 */
export function readPicture(outputDirectory: string, environment: string): Picture | undefined {
  const files = STACK_KINDS.map((stack) =>
    path.join(outputDirectory, "stacks", `${environment}-${stack}`, "cdk.tf.json"),
  );
  if (!files.every((file) => existsSync(file))) return undefined;
  const ofStacks = files.map((file) => resourcesOf(stackType.parse(JSON.parse(readFileSync(file, "utf8")))));
  const all = ofStacks.flat();
  return {
    stacks: ofStacks.map((resources, index) => stackOf(STACK_KINDS[index] ?? "", resources)),
    rights: all.flatMap((resource) => rightsOf(resource, all)),
    costs: all.flatMap((resource) => costOf(resource)),
  };
}

function resourcesOf({ resource }: z.output<typeof stackType>): Resource[] {
  return Object.entries(resource).flatMap(([type, ofType]) =>
    Object.entries(ofType).map(([id, given]) => ({ type, id, given })),
  );
}

function stackOf(name: string, resources: readonly Resource[]): Stack {
  const groups = new Map<string, Resource[]>();
  for (const resource of resources) {
    const group = groupOf(resource);
    groups.set(group, [...(groups.get(group) ?? []), resource]);
  }
  return {
    name,
    count: resources.length,
    groups: [...groups].map(([group, ofGroup]) => {
      const kinds = [...new Set(ofGroup.map(kindOf))];
      return {
        name: group,
        resources: kinds.map((kind) => {
          const ofKind = ofGroup.filter((resource) => kindOf(resource) === kind);
          return {
            kind,
            names: ofKind.map(nameOf),
            costsWhileIdle: ofKind.some((resource) =>
              costOf(resource).some(({ whileIdle }) => whileIdle !== undefined),
            ),
          };
        }),
      };
    }),
  };
}

/** The construct that it belongs to: what follows the stack in its path. */
function groupOf({ given }: Resource): string {
  const [, construct = ""] = given["//"].metadata.path.split("/");
  return construct.replaceAll("-", " ");
}

const kindOf = ({ type }: Resource): string => typeInWords(type);

function nameOf({ given }: Resource): string {
  return given.name ?? given.display_name ?? given["//"].metadata.path.split("/").slice(1).join("/");
}

function costOf(resource: Resource): Cost[] {
  const what = `${kindOf(resource)} ${nameOf(resource)}`;
  const cost = RESOURCE_COSTS[resource.type];
  if (cost !== undefined) return [{ what, ...cost }];
  if (resource.type !== "databricks_job") return [];
  const follows = "minutes of the cluster for each run";
  const { trigger, schedule } = z.object({ trigger: startType, schedule: startType }).parse(resource.given);
  if (schedule?.pause_status === "UNPAUSED") return [{ what, follows, whileIdle: "its schedule, which starts a run" }];
  return [
    { what, follows, ...(trigger?.pause_status === "UNPAUSED" && { whileIdle: "a listing of the lake a minute" }) },
  ];
}

const startType = z.looseObject({ pause_status: z.string().optional() }).optional();

const grantsType = z.object({ grant: z.array(z.object({ principal: z.string(), privileges: z.array(z.string()) })) });
const accessType = z.object({
  access_control: z.array(
    z.object({
      permission_level: z.string(),
      group_name: z.string().optional(),
      service_principal_name: z.string().optional(),
    }),
  ),
});
const roleType = z.object({ role_definition_name: z.string(), principal_id: z.string(), scope: z.string() });

function rightsOf({ type, given }: Resource, all: readonly Resource[]): Right[] {
  if (type === "databricks_grants") {
    return grantsType.parse(given).grant.map(({ principal, privileges }) => ({
      who: who(principal),
      may: privileges.map(words).join(", "),
      on: object(given, all),
    }));
  }
  if (type === "databricks_permissions") {
    return accessType.parse(given).access_control.map((access) => ({
      who: who(access.group_name ?? access.service_principal_name ?? "somebody"),
      may: words(access.permission_level),
      on: object(given, all),
    }));
  }
  if (type === "azurerm_role_assignment") {
    const { role_definition_name, principal_id, scope } = roleType.parse(given);
    return [{ who: named(principal_id, all), may: role_definition_name, on: named(scope, all) }];
  }
  return [];
}

function words(privilege: string): string {
  return privilege.toLowerCase().replaceAll("_", " ");
}

function who(principal: string): string {
  return /^[0-9a-f-]{36}$/.test(principal) ? `service principal ${principal}` : principal;
}

/** What a right is about: the only text of its block that says where it holds. */
function object(given: Resource["given"], all: readonly Resource[]): string {
  const texts = Object.entries(given).filter(([name, value]) => name !== "//" && typeof value === "string");
  return texts.map(([name, value]) => named(String(value), all, name)).join(", ");
}

/** A value with the resource that it refers to named, such as "schema orders"; a literal one after the field's name. */
function named(value: string, all: readonly Resource[], field = ""): string {
  const [, type, id] = /^\$\{(\w+)\.([\w-]+)[.[]/.exec(value) ?? [];
  const resource = all.find((each) => each.type === type && each.id === id);
  if (resource !== undefined) return `${kindOf(resource)} ${nameOf(resource)}`;
  return `${field.replace(/_(id|path|name)$/, "").replaceAll("_", " ")} ${value}`.trim();
}
