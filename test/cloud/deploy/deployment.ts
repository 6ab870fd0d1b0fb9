/** The commands with which people deploy an environment, run against the stand-in. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { STACK_KINDS, type StackKind } from "../../../environments/names.ts";
import type { Cloud } from "../cloud.ts";
import type { Providers } from "./providers.ts";

const root = path.join(__dirname, "../../..");

/** The wait for roles: a little longer than the stand-in's roles take. */
const ROLE_WAIT_SECONDS = 2;

/** What a command left behind. */
export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

/** What is deployed: an environment of the repository, or what an app of the tests' own synthesizes. */
export interface Deployable {
  readonly environment: string;
  /** Variables for the process that synthesizes. */
  readonly variables: Readonly<Record<string, string>>;
  /** The program that synthesizes; by default the project's own. */
  readonly app?: string;
}

export const SUCCESS = "success";
const LINES_TOLD = 60;

/** That a command succeeded, or the end of what it said. */
export function outcome({ code, output }: Finished): string {
  return code === 0
    ? SUCCESS
    : `exit code ${String(code)}:\n${output.trim().split("\n").slice(-LINES_TOLD).join("\n")}`;
}

/** Variables for Terraform: the cloud is the stand-in, providers need no network, and waiting for roles is short. */
export function commandVariables(cloud: Cloud, cliConfig: string): Readonly<Record<string, string>> {
  return {
    ...cloud.variables(),
    ORDER_TRACKING_ROLE_WAIT_SECONDS: String(ROLE_WAIT_SECONDS),
    TF_CLI_CONFIG_FILE: cliConfig,
    TF_IN_AUTOMATION: "1",
    CHECKPOINT_DISABLE: "1",
    ...SECRETS,
  };
}

/** The URLs of notification destinations, which are in no file. */
const SECRETS = Object.fromEntries(
  ["slack", "teams", "webhook"].map((kind) => [`TF_VAR_${kind}_url`, `https://hooks.example.com/${kind}`]),
);

export class Deployment {
  readonly folder: string;
  #what: Deployable;
  #environment: Readonly<Record<string, string>>;

  constructor(cloud: Cloud, providers: Providers, what: Deployable) {
    this.#what = what;
    this.folder = mkdtempSync(path.join(tmpdir(), "order-tracking-deployment-"));
    this.#environment = {
      ...commandVariables(cloud, providers.cliConfig),
      DISABLE_VERSION_CHECK: "1",
      CDKTF_DISABLE_PLUGIN_CACHE_ENV: "1",
      FORCE_COLOR: "0",
      CI: "1",
    };
  }

  /** From now on it is something else that is deployed to the same place. */
  redefine(what: Deployable): void {
    this.#what = what;
  }

  /** From now on its commands sign in as another service principal. */
  signIn(applicationId: string): void {
    this.#environment = { ...this.#environment, ARM_CLIENT_ID: applicationId };
  }

  get output(): string {
    return path.join(this.folder, "cdktf.out");
  }

  stackFolder(kind: StackKind): string {
    return path.join(this.output, "stacks", `${this.#what.environment}-${kind}`);
  }

  /** `cdktf deploy` of all three stacks, or of some. */
  deploy(kinds: readonly StackKind[] = STACK_KINDS, onStart?: (child: ChildProcess) => void): Promise<Finished> {
    return this.#cdktf("deploy", kinds, onStart);
  }

  destroy(kinds: readonly StackKind[] = STACK_KINDS): Promise<Finished> {
    return this.#cdktf("destroy", kinds);
  }

  /** What `cdktf synth` runs: it leaves alone what Terraform keeps in the folders of the stacks. */
  synthesize(): Promise<Finished> {
    const app = this.#what.app ?? "node --import tsx main.ts";
    return this.#run("bash", ["-c", app], root, undefined, { CDKTF_OUTDIR: this.output, CDKTF_CONTEXT_JSON: "{}" });
  }

  /** `order-tracking state`. */
  makeState(): Promise<Finished> {
    return this.#run(process.execPath, ["--import", "tsx", "cli/main.ts", "state", this.#what.environment, "--yes"]);
  }

  /** Whether a plan of one deployed stack would change nothing or something; otherwise what Terraform said. */
  async planned(kind: StackKind, ...more: readonly string[]): Promise<string> {
    const finished = await this.terraform(kind, ["plan", "-detailed-exitcode", "-input=false", "-no-color", ...more]);
    if (finished.code === 0) return "nothing";
    return finished.code === 2 ? "something" : outcome(finished);
  }

  /** Terraform in the folder of a stack that was deployed. */
  terraform(kind: StackKind, args: readonly string[]): Promise<Finished> {
    return this.#run("terraform", args, this.stackFolder(kind));
  }

  #cdktf(command: "deploy" | "destroy", kinds: readonly StackKind[], onStart?: (child: ChildProcess) => void) {
    const stacks = kinds.map((kind) => `${this.#what.environment}-${kind}`);
    const app = this.#what.app ?? "node --import tsx main.ts";
    const args = [command, ...stacks, "--auto-approve", "--skip-provider-lock", "--output", this.output, "--app", app];
    return this.#run(path.join(root, "node_modules/.bin/cdktf"), args, root, onStart);
  }

  async #run(
    program: string,
    args: readonly string[],
    cwd = root,
    onStart?: (child: ChildProcess) => void,
    more: Readonly<Record<string, string>> = {},
  ) {
    const child = spawn(program, args, {
      cwd,
      env: { ...this.#environment, ...this.#what.variables, ...more },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    child.stderr.on("data", (text: Buffer) => (output += text.toString()));
    onStart?.(child);
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { code, output };
  }
}
