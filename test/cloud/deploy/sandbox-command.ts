/** `order-tracking sandbox` as people call it, against the stand-in. */
import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { type Cloud, SUBSCRIPTION_ID } from "../cloud.ts";
import { commandVariables, type Finished } from "./deployment.ts";
import type { Providers } from "./providers.ts";

const root = path.join(__dirname, "../../..");

export class SandboxCommand {
  readonly #variables: Readonly<Record<string, string>>;

  constructor(cloud: Cloud, providers: Providers) {
    this.#variables = {
      ...commandVariables(cloud, providers.cliConfig),
      ORDER_TRACKING_DEV_SUBSCRIPTION_ID: SUBSCRIPTION_ID,
      // As whoever is signed in to the Azure CLI, like people, and like the workflow that makes sandboxes.
      DATABRICKS_AUTH_TYPE: "azure-cli",
    };
  }

  /** Runs a subcommand; `whileRunning` is given what kills it and whatever it started, at once. */
  run(args: readonly string[], whileRunning: (kill: () => void) => void = () => undefined): Promise<Finished> {
    return this.#finish(process.execPath, ["--import", "tsx", "cli/main.ts", "sandbox", ...args], whileRunning);
  }

  /** Runs a line that a command told people to run. */
  follow(line: string): Promise<Finished> {
    return this.#finish("bash", ["-c", line]);
  }

  // Not synchronously: the cloud that answers is in this process.
  async #finish(program: string, args: readonly string[], whileRunning: (kill: () => void) => void = () => undefined) {
    const child = spawn(program, args, { cwd: root, env: this.#variables, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    child.stderr.on("data", (text: Buffer) => (output += text.toString()));
    whileRunning(() => {
      killTree(child.pid ?? 0);
    });
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { code, output };
  }
}

/** Kills a process and all that it started, and that these started: nobody is left to tidy up. */
function killTree(root: number): void {
  const { stdout } = spawnSync("ps", ["-e", "-o", "pid=,ppid="], { encoding: "utf8" });
  const parents = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const tree = [root];
  for (const each of tree) tree.push(...parents.filter(([, parent]) => parent === each).map(([pid = 0]) => pid));
  for (const pid of tree) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}
