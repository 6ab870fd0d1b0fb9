/** Destroys a sandbox from its recorded state alone: neither its branch nor its code is needed. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { STACK_KINDS, type StackKind } from "../environments/names.ts";
import { az } from "./azure-cli.ts";
import { LOCK_FILE } from "./plan-stacks.ts";
import type { SandboxHome } from "./sandbox-home.ts";
import { deletionOf, stateBlobs, unlock, type UnlockOptions } from "./sandbox-states.ts";
import { whyNoSandbox } from "./sandboxes.ts";
import { terraformOrFail } from "./terraform.ts";

/** Each step is told. */
export type TearDownOptions = Omit<UnlockOptions, "remedy">;

const tagBlocksType = z.array(z.object({ custom_tags: z.array(z.object({ key: z.string(), value: z.string() })) }));

/** A map, but of a SQL warehouse blocks of pairs. Whatever else a provider calls so tells nothing of a sandbox. */
const tagsType = z
  .union([
    z.record(z.string(), z.string()),
    tagBlocksType.transform((blocks): Record<string, string> => {
      const pairs = blocks.flatMap(({ custom_tags: tags }) => tags);
      return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
    }),
  ])
  .nullish()
  .catch(undefined);

const stateType = z.object({
  resources: z
    .array(
      z.object({
        mode: z.string(),
        instances: z.array(z.object({ attributes: z.object({ tags: tagsType }).nullish() })),
      }),
    )
    .default([]),
});

/** What Terraform wrote down of one stack. */
export type RecordedState = z.output<typeof stateType>;

/** Reads a state as `terraform state pull` prints it; whoever locks one that is not there yet leaves an empty blob. */
export function readState(text: string): RecordedState {
  return stateType.parse(text.trim() === "" ? {} : JSON.parse(text));
}

/** The tags of everything in a state that has tags. */
export function tagsIn({ resources }: RecordedState): readonly Readonly<Record<string, string>>[] {
  return resources.flatMap(({ instances }) =>
    instances.flatMap(({ attributes }) => (attributes?.tags?.environment === undefined ? [] : [attributes.tags])),
  );
}

/**
 * Destroys what the states of a sandbox hold, last stack first, and deletes each state that is empty then.
 *
 * What is gone already is no failure, so it can be called again after whatever stopped it before.
 *
 * @throws Error where a state is somebody else's, or locked; or with what Terraform could not destroy
 */
export async function tearDown(home: SandboxHome, name: string, options: TearDownOptions): Promise<void> {
  const blobs = await stateBlobs(home, `${name}/`);
  if (blobs.length === 0) {
    options.say("No state is recorded.");
    return;
  }
  await unlock(home, blobs, {
    ...options,
    remedy: `npm run -s order-tracking -- sandbox down ${name} --break-locks`,
  });
  const states = new RecordedStates(home, name);
  try {
    const recorded = STACK_KINDS.filter((kind) => blobs.some((blob) => blob.name === states.blobOf(kind)));
    // All of them are looked at before anything is destroyed.
    for (const kind of recorded) refuseOthers(name, await states.read(kind));
    for (const kind of recorded.toReversed()) {
      await states.destroy(kind, options.say);
      await az(deletionOf(home, states.blobOf(kind)));
    }
  } finally {
    states.forget();
  }
}

/** The tags that the states of a sandbox give its things; none where nothing is written down. */
export async function recordedTags(home: SandboxHome, name: string): Promise<readonly Record<string, string>[]> {
  const states = new RecordedStates(home, name);
  try {
    const all: Record<string, string>[] = [];
    for (const blob of await stateBlobs(home, `${name}/`)) {
      const kind = STACK_KINDS.find((each) => states.blobOf(each) === blob.name);
      if (kind !== undefined) all.push(...tagsIn(await states.read(kind)));
    }
    return all;
  } finally {
    states.forget();
  }
}

/** @throws Error where anything in a state does not say that it is of this sandbox */
function refuseOthers(name: string, state: RecordedState): void {
  for (const tags of tagsIn(state)) {
    const reason = whyNoSandbox(name, tags);
    if (reason !== undefined) throw new Error(`the state of ${name} holds something that is not its own: ${reason}`);
  }
}

/** The states of one sandbox, through Terraform in a folder that holds nothing but how to reach them. */
class RecordedStates {
  readonly #name: string;
  readonly #folder = mkdtempSync(path.join(tmpdir(), "order-tracking-sandbox-"));

  constructor(home: SandboxHome, name: string) {
    this.#name = name;
    writeFileSync(path.join(this.#folder, "main.tf.json"), JSON.stringify(home.emptyConfiguration));
    // Terraform takes no other provider than one of these hashes then.
    if (home.providerHashes !== undefined) writeFileSync(path.join(this.#folder, LOCK_FILE), home.providerHashes);
  }

  blobOf(kind: StackKind): string {
    return `${this.#name}/${this.#name}-${kind}.tfstate`;
  }

  async read(kind: StackKind): Promise<RecordedState> {
    await this.#open(kind);
    return this.#pull();
  }

  /** @throws Error where something is left */
  async destroy(kind: StackKind, say: (line: string) => void): Promise<void> {
    await this.#open(kind);
    say(`Destroying ${this.#name}-${kind}.`);
    await terraformOrFail(this.#folder, ["destroy", "-auto-approve", "-input=false", "-no-color"], { isShown: true });
    const left = (await this.#pull()).resources.filter(({ mode }) => mode === "managed").length;
    if (left > 0) throw new Error(`${left} things of ${this.#name}-${kind} are still recorded`);
  }

  forget(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #open(kind: StackKind): Promise<void> {
    const key = `-backend-config=key=${this.blobOf(kind)}`;
    await terraformOrFail(this.#folder, ["init", "-reconfigure", "-input=false", "-no-color", key]);
  }

  async #pull(): Promise<RecordedState> {
    return readState(await terraformOrFail(this.#folder, ["state", "pull"]));
  }
}
