import { spawn } from "node:child_process";
import path from "node:path";

const root = path.dirname(path.dirname(__dirname));

/** What a command left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the `order-tracking` command as people do, from another folder; `interruptWhen` ends it with Ctrl-C's signal. */
export async function orderTracking(
  args: readonly string[],
  interruptWhen: (stdout: string, stderr: string) => boolean = () => false,
): Promise<Finished> {
  const child = spawn(process.execPath, [path.join(root, "bin", "order-tracking.mjs"), ...args], {
    env: { ...process.env, INIT_CWD: undefined, FORCE_COLOR: undefined },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr, interrupted] = ["", "", false];
  const onText = () => {
    if (interrupted || !interruptWhen(stdout, stderr)) return;
    interrupted = true;
    child.kill("SIGINT");
  };
  child.stdout.on("data", (text: Buffer) => {
    stdout += text.toString();
    onText();
  });
  child.stderr.on("data", (text: Buffer) => {
    stderr += text.toString();
    onText();
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, stdout, stderr };
}
