/** One stack by itself, applied by Terraform without what is around it: quick enough to be done dozens of times. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { EnvironmentSettings } from "../../../environments/environment.ts";
import type { StackKind } from "../../../environments/names.ts";
import { type StackJson, synthesize } from "../../synthesized.ts";
import type { Cloud } from "../cloud.ts";
import { commandVariables, type Finished } from "./deployment.ts";
import type { Providers } from "./providers.ts";

export class SingleStack {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "order-tracking-stack-"));
  readonly #variables: Readonly<Record<string, string>>;

  /** Writes the stack as it is synthesized, but with its state in the folder, and with a change if one is given. */
  constructor(
    cloud: Cloud,
    providers: Providers,
    settings: EnvironmentSettings,
    kind: StackKind,
    change: (stack: StackJson, files: Map<string, string>) => void = () => undefined,
  ) {
    this.#variables = commandVariables(cloud, providers.quickCliConfig);
    const folder = `stacks/${settings.name}-${kind}/`;
    const files = new Map(
      [...synthesize(settings).files]
        .filter(([file]) => file.startsWith(folder))
        .map(([file, content]) => [file.slice(folder.length), content]),
    );
    const stack = JSON.parse(files.get("cdk.tf.json") ?? "{}") as StackJson;
    change(stack, files);
    files.set(
      "cdk.tf.json",
      JSON.stringify({ ...stack, terraform: { ...stack.terraform, backend: undefined } }, null, 2),
    );
    for (const [file, content] of files) {
      const target = path.join(this.#folder, file);
      mkdirSync(path.dirname(target), { recursive: true });
      writeFileSync(target, content);
    }
  }

  /** Applies; `onStart` is given the process that does. */
  apply(onStart?: (child: ChildProcess) => void): Promise<Finished> {
    return this.#terraform(["apply", "-auto-approve", "-input=false", "-no-color"], onStart);
  }

  /** Destroys all that it made. */
  destroy(): Promise<Finished> {
    return this.#terraform(["destroy", "-auto-approve", "-input=false", "-no-color"]);
  }

  /** Takes something that is there already into the state. */
  import(address: string, id: string): Promise<Finished> {
    return this.#terraform(["import", "-input=false", "-no-color", address, id]);
  }

  /** Takes something for whole that a deployment did not finish. */
  untaint(address: string): Promise<Finished> {
    return this.#terraform(["untaint", address]);
  }

  /** A plan of what was applied: exit code 0 where nothing would change, 2 where something would. */
  plan(): Promise<Finished> {
    return this.#terraform(["plan", "-detailed-exitcode", "-input=false", "-no-color"]);
  }

  async #terraform(args: readonly string[], onStart?: (child: ChildProcess) => void): Promise<Finished> {
    const child = spawn("terraform", args, {
      cwd: this.#folder,
      env: this.#variables,
      stdio: ["ignore", "pipe", "pipe"],
    });
    onStart?.(child);
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    child.stderr.on("data", (text: Buffer) => (output += text.toString()));
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { code, output };
  }
}
