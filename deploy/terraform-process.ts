/** Terraform as a child process that is interrupted as it wants to be. */
import { spawn } from "node:child_process";

const LINES_TOLD = 60;

/**
 * Runs Terraform in a folder, and returns what it printed unless that is shown.
 *
 * Interrupted once, Terraform finishes what it is at, writes its state and releases its lock; interrupted twice, it does
 * neither. A terminal's Ctrl-C would reach it as well as us, so it is in a process group of its own, and told by us, once.
 *
 * @throws Error with the end of what it said, where that was not shown
 */
export async function terraform(folder: string, args: readonly string[], output: "shown" | "quiet"): Promise<string> {
  const stdio = output === "shown" ? "inherit" : "pipe";
  const child = spawn("terraform", args, {
    cwd: folder,
    env: { ...process.env, TF_IN_AUTOMATION: "1", CHECKPOINT_DISABLE: "1" },
    stdio: ["ignore", stdio, stdio],
    detached: true,
  });
  let [stdout, said, isInterrupted] = ["", "", false];
  child.stdout?.on("data", (text: Buffer) => {
    stdout += text.toString();
    said += text.toString();
  });
  child.stderr?.on("data", (text: Buffer) => (said += text.toString()));
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
            new Error(
              "Terraform was not found: install 1.5 or newer from https://developer.hashicorp.com/terraform/install",
            ),
          );
        })
        .on("close", resolve);
    });
    if (isInterrupted) throw new Error("interrupted: Terraform has written down what it did, and can be run again");
    if (code !== 0) throw new Error(failure(args, said));
    return stdout;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}

function failure([command = ""]: readonly string[], said: string): string {
  const end = said.trim().split("\n").slice(-LINES_TOLD).join("\n");
  return [`terraform ${command} failed`, ...(end === "" ? [] : [end])].join(":\n");
}
