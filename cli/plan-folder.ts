/** The folder of a plan: what it may hold, and what the next plan in it deletes. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { STACK_KINDS } from "../environments/names.ts";
import { record } from "../review/plan.ts";
import { isRecord } from "../review/secrets.ts";
import { shownPath, UsageError } from "./arguments.ts";
import { synthesize } from "./synthesize.ts";

/** Stacks come first, and other files only beside them. */
const BESIDE_STACKS = /^(stacks|manifest\.json(\.unfinished)?|seal\.json|review\.(md|json))$/;
/** How a folder starts that is not whole, as where a plan is interrupted while it synthesizes. */
const UNFINISHED = "unfinished-";
/** The number of the process that made it follows, and the six characters of `mkdtemp`; other names are people's. */
const UNFINISHED_FOLDER = new RegExp(`^${UNFINISHED}\\d+-\\w{6}$`);

/** @throws UsageError where a folder holds what no plan has left, and this one would delete */
export function refuseOthersFiles(directory: string): void {
  const [stranger] = existsSync(directory) ? strangersIn(directory) : [];
  if (stranger === undefined) return;
  throw new UsageError(
    `--out ${shownPath(directory)}: this folder holds ${stranger}, which no plan has left. ` +
      "Give one that is new or empty, or that of an earlier plan",
  );
}

function strangersIn(directory: string): readonly string[] {
  const entries = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => !(entry.isDirectory() && UNFINISHED_FOLDER.test(entry.name)))
    .map(({ name }) => name);
  if (!entries.includes("stacks")) return entries;
  const stacks = readdirSync(path.join(directory, "stacks"));
  return [
    ...entries.filter((entry) => !BESIDE_STACKS.test(entry)),
    ...stacks
      .filter((stack) => !STACK_KINDS.some((kind) => stack.endsWith(`-${kind}`)))
      .map((stack) => `stacks/${stack}`),
    // Many programs have a file of this name.
    ...entries.filter((entry) => entry === "manifest.json" && !isOfStacks(path.join(directory, entry))),
  ];
}

function isOfStacks(manifest: string): boolean {
  try {
    return isRecord(record(JSON.parse(readFileSync(manifest, "utf8"))).stacks);
  } catch {
    return false;
  }
}

/**
 * Synthesizes into a folder, in place of an earlier plan, none of which must be taken for a part of this one. Where the
 * environment is refused, the earlier one stays.
 */
export async function synthesizeAnew(directory: string, environment: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const scratch = mkdtempSync(path.join(directory, `${UNFINISHED}${process.pid}-`));
  try {
    await synthesize(scratch, environment, undefined, { ORDER_TRACKING_SOURCE_LINES: "yes" });
    for (const old of readdirSync(directory).map((entry) => path.join(directory, entry))) {
      if (old !== scratch) rmSync(old, { recursive: true });
    }
    for (const entry of readdirSync(scratch)) renameSync(path.join(scratch, entry), path.join(directory, entry));
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
