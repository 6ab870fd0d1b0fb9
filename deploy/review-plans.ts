/** The review of plans that were just made, with what the synthesized folders and the repository's history know of them. */
import { review, type Review } from "../review/review.ts";
import { codeChanges, type ShippedFile } from "./code-changes.ts";
import { folderOf, type PlannedStack, synthesizedStack } from "./plan-stacks.ts";

type Block = Readonly<Record<string, unknown>>;

/** @param notes what a reader has to know of how the plans were made */
export async function reviewOf(
  directory: string,
  environment: string,
  planned: readonly PlannedStack[],
  notes: readonly string[] = [],
): Promise<Review> {
  const code = await Promise.all(
    planned.map(({ stack, json }) => codeChanges(folderOf(directory, stack), shippedFiles(json))),
  );
  const constructs = new Map(planned.flatMap(({ stack }) => constructsIn(synthesizedStack(directory, stack))));
  return review(environment, planned, {
    sources: { constructs },
    files: code.flatMap(({ files }) => files),
    contract: code.flatMap(({ contract }) => contract),
    notes,
  });
}

/** The construct of each resource, by its address. */
function constructsIn(stack: unknown): readonly (readonly [string, string])[] {
  const { resource = {} } = stack as { resource?: Readonly<Record<string, Readonly<Record<string, Block>>>> };
  return Object.entries(resource).flatMap(([type, resources]) =>
    Object.entries(resources).map(([id, block]): [string, string] => {
      const { metadata } = (block["//"] ?? {}) as { metadata?: { path?: string } };
      return [`${type}.${id}`, metadata?.path ?? id];
    }),
  );
}

/** Files that are shipped under another path before and after. */
function shippedFiles(json: unknown): readonly ShippedFile[] {
  const { resource_changes: changes = [] } = (json ?? {}) as { resource_changes?: { change?: Block }[] };
  return changes.flatMap(({ change }) => {
    const [before, after] = [change?.before, change?.after].map((side) => ((side ?? {}) as Block).source);
    return typeof before === "string" && typeof after === "string" ? [{ before, after }] : [];
  });
}
