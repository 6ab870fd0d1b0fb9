/** The Azure CLI as a child process. */
import { spawn } from "node:child_process";

/** What `az` has left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `az` with the words of a command line.
 *
 * @throws Error where it is not installed, with what to do
 */
export async function runAz(args: readonly string[]): Promise<Finished> {
  const child = spawn("az", args, { env: process.env, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child
      .on("error", () => {
        reject(new Error("the Azure CLI (az) was not found: install it from https://aka.ms/installazurecli"));
      })
      .on("close", resolve);
  });
  return { code, stdout, stderr };
}
