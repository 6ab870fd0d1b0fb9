/** Terraform as a child process, which is interrupted as it wants to be. */
import { spawn } from "node:child_process";

/** So many lines of what it said are told where it fails: its errors come last. */
const LINES_TOLD = 60;

/** What a call of Terraform left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  /** What it printed to both streams, in its order. */
  readonly said: string;
}

/** Terraform is not there, or was interrupted: nothing else that needs it makes sense any more. */
export class TerraformEnded extends Error {}

export interface TerraformOptions {
  /** Variables of the process; by default those of this one. */
  readonly variables?: NodeJS.ProcessEnv;
  /**
   * Whether what it prints goes where this process prints, and is not kept. It then depends on nothing of this process,
   * and comes to its end even if this one is killed.
   */
  readonly isShown?: boolean;
}

/**
 * Runs Terraform in a folder to its end, whatever that is.
 *
 * Interrupted once, Terraform finishes what it is at, writes its state and releases its lock; interrupted twice, it does
 * neither. A terminal's Ctrl-C would reach it as well as us, so it is in a process group of its own, and told by us, once.
 *
 * @throws TerraformEnded where Terraform is not there, or this process was interrupted
 */
export async function terraform(
  folder: string,
  args: readonly string[],
  { variables = process.env, isShown = false }: TerraformOptions = {},
): Promise<Finished> {
  const child = spawn("terraform", args, {
    cwd: folder,
    env: { ...variables, TF_IN_AUTOMATION: "1", CHECKPOINT_DISABLE: "1" },
    stdio: isShown ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let [stdout, said, isInterrupted] = ["", "", false];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      if (stream === child.stdout) stdout += text;
      said += text;
    });
  }
  const interrupt = () => {
    if (!isInterrupted) child.kill("SIGINT");
    isInterrupted = true;
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, interrupt);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child
        .on("error", () => {
          reject(
            new TerraformEnded(
              "Terraform was not found: install 1.5 or newer from https://developer.hashicorp.com/terraform/install",
            ),
          );
        })
        .on("close", resolve);
    });
    if (isInterrupted) throw new TerraformEnded("interrupted: Terraform was let come to its end");
    return { code, stdout, said };
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}

/** The same, where anything but success is an error, with the end of what Terraform said unless that was shown. */
export async function terraformOrFail(
  folder: string,
  args: readonly string[],
  options?: TerraformOptions,
): Promise<string> {
  const { code, stdout, said } = await terraform(folder, args, options);
  if (code === 0) return stdout;
  const end = said.trim().split("\n").slice(-LINES_TOLD).join("\n");
  throw new Error([`terraform ${args[0] ?? ""} failed`, ...(end === "" ? [] : [end])].join(":\n"));
}
