/** Where an environment keeps its Terraform state, read from its stacks, which are synthesized for it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readStateBackend, type StateBackend } from "../deploy/state-backend.ts";
import { synthesize } from "./synthesize.ts";

/** Synthesizes an environment to look at its backend, and leaves nothing of it behind. */
export async function synthesizedBackend(environment: string): Promise<StateBackend> {
  const directory = mkdtempSync(path.join(tmpdir(), "order-tracking-state-"));
  try {
    await synthesize(directory, environment);
    return readStateBackend(directory, environment);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
