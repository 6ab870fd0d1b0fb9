/** The review of plans that were just made, with what the synthesized folders and the repository's history know of them. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { review, type Review } from "../review/review.ts";
import type { Finding } from "../review/scene.ts";
import { codeChanges, type ShippedFile } from "./code-changes.ts";
import { folderOf, type PlannedStack, synthesizedStack } from "./plan-stacks.ts";

type Block = Readonly<Record<string, unknown>>;

/** A file of a stack's folder with the line of TypeScript that makes each resource, where the synthesis kept it. */
const SOURCE_LINES_FILE = "source-lines.json";
const sourceLinesType = z.record(z.string(), z.string());

/**
 * @param notes what a reader has to know of how the plans were made
 * @param rows what the change does to rows, where that was tried
 */
export async function reviewOf(
  directory: string,
  environment: string,
  planned: readonly PlannedStack[],
  notes: readonly string[] = [],
  rows: readonly Finding[] = [],
): Promise<Review> {
  const code = await Promise.all(
    planned.map(({ stack, json }) => codeChanges(folderOf(directory, stack), shippedFiles(json))),
  );
  const constructs = new Map(planned.flatMap(({ stack }) => constructsIn(synthesizedStack(directory, stack))));
  const lines = new Map(planned.flatMap(({ stack }) => Object.entries(linesIn(folderOf(directory, stack)))));
  return review(environment, planned, {
    sources: { constructs, lines },
    files: code.flatMap(({ files }) => files),
    contract: code.flatMap(({ contract }) => contract),
    notes: [...notes, ...new Set(code.flatMap(({ note = [] }) => note))],
    rows,
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

/** The line of TypeScript that makes each resource, by its address. */
function linesIn(folder: string): Readonly<Record<string, string>> {
  const file = path.join(folder, SOURCE_LINES_FILE);
  return existsSync(file) ? sourceLinesType.parse(JSON.parse(readFileSync(file, "utf8"))) : {};
}

/** Files that are shipped, and were under another path, or not at all; in a first deployment all are new, and none is told. */
function shippedFiles(json: unknown): readonly ShippedFile[] {
  const { resource_changes: changes = [] } = (json ?? {}) as { resource_changes?: { change?: Block }[] };
  const sourceIn = (side: unknown) => {
    const { source } = (side ?? {}) as Block;
    return typeof source === "string" ? source : undefined;
  };
  const sources = changes.map(({ change }) => ({ before: sourceIn(change?.before), after: sourceIn(change?.after) }));
  if (sources.every(({ before }) => before === undefined)) return [];
  return sources.flatMap(({ before, after }) => (after === undefined ? [] : [{ ...(before && { before }), after }]));
}
