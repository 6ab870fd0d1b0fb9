/** What an environment's stacks say, which are synthesized for it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { OF_NO_WORKSPACE, synthesize } from "./synthesize.ts";

/** Synthesizes an environment to read something of its stacks, and leaves nothing of it behind. */
export async function readSynthesized<Read>(environment: string, read: (directory: string) => Read): Promise<Read> {
  const directory = mkdtempSync(path.join(tmpdir(), "order-tracking-read-"));
  try {
    await synthesize(directory, environment, undefined, OF_NO_WORKSPACE);
    return read(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
