/** A guard: what the stacks say and no handler of the stand-in has seen would be deployed to nobody who understands it. */
import { type StackJson, synthesize } from "../synthesized.ts";
import { CHOOSERS, SHIPPED } from "./deploy/choices.ts";
import { KNOWN_ARGUMENTS } from "./known-arguments.ts";

/** What Terraform itself understands, in any resource. */
const OF_TERRAFORM = ["//", "lifecycle", "depends_on", "provider", "provisioner"];
/** Values whose fields are free. */
const FREE = ["tags", "custom_tags", "base_parameters", "job_parameters", "properties"];

describe("the stand-in", () => {
  const stacks = [...SHIPPED, ...CHOOSERS].flatMap((settings) => {
    const { platform, catalog, pipeline } = synthesize(settings);
    return [platform, catalog, pipeline];
  });

  it("knows each resource type and argument of the stacks", () => {
    const unknown = stacks.flatMap(argumentsOf).filter(([type, argument]) => {
      return !KNOWN_ARGUMENTS[type]?.includes(argument);
    });

    expect([...new Set(unknown.map((each) => each.join(".")))].sort()).toEqual([]);
  });

  it("knows no argument that the stacks have given up", () => {
    const used = new Set(stacks.flatMap(argumentsOf).map((each) => each.join(".")));
    const known = Object.entries(KNOWN_ARGUMENTS).flatMap(([type, names = []]) =>
      names.map((name) => `${type}.${name}`),
    );

    expect(known.filter((each) => !used.has(each))).toEqual([]);
  });
});

/** Each resource type with each path of an argument, as `job_cluster.new_cluster.kind`. */
function argumentsOf(stack: StackJson): readonly (readonly [string, string])[] {
  return Object.entries({ ...stack.resource, ...(stack.data as StackJson["resource"] | undefined) })
    .filter(([type]) => type !== "terraform_data")
    .flatMap(([type, resources]) =>
      Object.values(resources).flatMap((resource) => paths(resource).map((each) => [type, each] as const)),
    );
}

function paths(value: unknown, prefix: readonly string[] = []): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each) => paths(each, prefix));
  if (typeof value !== "object" || value === null || FREE.includes(prefix.at(-1) ?? "")) return [prefix.join(".")];
  return Object.entries(value)
    .filter(([name]) => prefix.length > 0 || !OF_TERRAFORM.includes(name))
    .flatMap(([name, each]) => paths(each, [...prefix, name]));
}
