/** Environments in, stacks on disk out: each on its own, so that one that is wrong stops itself only. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { App, Manifest } from "cdktf";
import { type Environment, EnvironmentError } from "../environments/environment.ts";
import { holdToGuardRails } from "./guard-rails/guard-rails.ts";
import { addOrderTracking } from "./order-tracking.ts";
import { SOURCE_LINES_FILE, SourceLines } from "./source-lines.ts";

/** What a stack's folder holds of its synthesis; the rest is Terraform's: providers, lock, plan. */
const SYNTHESIZED = ["assets", "cdk.tf", "cdk.tf.json", "metadata.json", SOURCE_LINES_FILE];

/** How the folder of a process that synthesizes starts, before the process's number. */
const UNFINISHED = "unfinished-";

/** An environment to synthesize, which may turn out to be wrong. */
export interface Request {
  readonly name: string;
  /** @throws EnvironmentError with what is wrong with it */
  readonly resolve: () => Environment;
}

export interface SynthesisOptions {
  /** Hashes of the providers, as Terraform writes them, which each stack's folder gets a copy of where there is one. */
  readonly lockFile?: string;
  /** Whether each stack's folder tells which line makes each resource. */
  readonly keepsLines?: boolean;
}

/** Why an environment has no stacks. */
export interface Refusal {
  readonly environment: string;
  readonly reason: string;
}

/**
 * Synthesizes environments into a directory, in place of what it holds of earlier ones. Where all are refused, it is
 * left as it was; otherwise it holds whole stacks, or, should the process die, no manifest and so none.
 *
 * @param today the day that decides what has expired, as YYYY-MM-DD
 * @returns the environments that are not in it
 */
export function synthesizeEnvironments(
  requests: readonly Request[],
  outputDirectory: string,
  today: string,
  { lockFile, keepsLines = false }: SynthesisOptions = {},
): readonly Refusal[] {
  mkdirSync(outputDirectory, { recursive: true });
  removeAbandoned(outputDirectory);
  const scratch = mkdtempSync(path.join(outputDirectory, `${UNFINISHED}${process.pid}-`));
  try {
    const refusals: Refusal[] = [];
    const finished: string[] = [];
    for (const { name, resolve } of requests) {
      const directory = path.join(scratch, name);
      try {
        const environment = resolve();
        withoutTraces(() => {
          synthesize(environment, directory, today, keepsLines);
        });
        finished.push(directory);
      } catch (error) {
        if (!(error instanceof EnvironmentError)) throw error;
        refusals.push({ environment: name, reason: error.message });
      }
    }
    if (finished.length > 0) putInPlace(finished, outputDirectory, lockFile);
    return refusals;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Removes what processes left behind that were killed while they synthesized. */
function removeAbandoned(outputDirectory: string): void {
  for (const name of readdirSync(outputDirectory).filter((entry) => entry.startsWith(UNFINISHED))) {
    if (!isRunning(Number(name.slice(UNFINISHED.length).split("-")[0]))) {
      rmSync(path.join(outputDirectory, name), { recursive: true, force: true });
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // Somebody else's.
  }
}

/**
 * Builds stacks without the traces that CDKTF takes of each token, a thousand in one synthesis, whatever the option
 * `stackTraces` says: a fifth of the time, for no more than where a token was made that cannot be resolved. Errors that
 * are thrown know their own places as always.
 */
export function withoutTraces<T>(build: () => T): T {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is only put back
  const { captureStackTrace } = Error;
  Error.captureStackTrace = () => undefined;
  try {
    return build();
  } finally {
    Error.captureStackTrace = captureStackTrace;
  }
}

/** @throws EnvironmentError with every rule that the environment's stacks break */
function synthesize(environment: Environment, directory: string, today: string, keepsLines: boolean): void {
  // Stack traces would put paths of this machine into what is synthesized.
  const app = new App({ outdir: directory, stackTraces: false });
  const lines = new SourceLines();
  const build = () => addOrderTracking(app, environment);
  const stacks = keepsLines ? lines.keepWhile(build) : build();
  const { name, expiresOn } = environment;
  if (expiresOn !== undefined && expiresOn < today) {
    for (const stack of stacks) {
      stack.refuseToDeploy(
        "not-expired",
        `${name} expired on ${expiresOn}, so nothing was deployed. Destroy it, or give it a later last day.`,
      );
    }
  }
  const broken = stacks.flatMap((stack) => holdToGuardRails(stack, environment, today));
  if (broken.length > 0) {
    throw new EnvironmentError(broken.map(({ construct, message }) => `[${construct}] ${message}`).join("\n"));
  }
  app.synth();
  if (!keepsLines) return;
  for (const stack of stacks) {
    const folder = path.join(directory, Manifest.stacksFolder, stack.node.id);
    writeFileSync(path.join(folder, SOURCE_LINES_FILE), JSON.stringify(lines.of(stack), null, 2));
  }
}

/** Moves the stacks of each directory to where they are looked for, and tells of them last. */
function putInPlace(directories: readonly string[], outputDirectory: string, lockFile: string | undefined): void {
  const manifest = path.join(outputDirectory, Manifest.fileName);
  rmSync(manifest, { force: true });
  for (const directory of directories) {
    const stacks = path.join(directory, Manifest.stacksFolder);
    for (const stack of readdirSync(stacks)) {
      const place = path.join(outputDirectory, Manifest.stacksFolder, stack);
      mkdirSync(place, { recursive: true });
      for (const entry of SYNTHESIZED) {
        rmSync(path.join(place, entry), { recursive: true, force: true });
        if (existsSync(path.join(stacks, stack, entry))) {
          renameSync(path.join(stacks, stack, entry), path.join(place, entry));
        }
      }
      if (lockFile !== undefined && existsSync(lockFile))
        copyFileSync(lockFile, path.join(place, ".terraform.lock.hcl"));
    }
  }
  const parts = directories.map(
    (directory) => JSON.parse(readFileSync(path.join(directory, Manifest.fileName), "utf8")) as { stacks: object },
  );
  const whole = { ...parts[0], stacks: Object.assign({}, ...parts.map(({ stacks }) => stacks)) as object };
  writeFileSync(`${manifest}.unfinished`, JSON.stringify(whole, null, 2));
  renameSync(`${manifest}.unfinished`, manifest);
}
