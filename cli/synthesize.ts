/** Runs the CDKTF app, as `cdktf synth` does, into a folder of one's own. */
import { spawn } from "node:child_process";
import path from "node:path";

const root = path.dirname(__dirname);

/**
 * Synthesizes every stack into `outputDirectory`.
 *
 * @throws Error with what the app said, such as a refused value of an environment
 */
export async function synthesize(outputDirectory: string): Promise<void> {
  const child = spawn(process.execPath, ["--import", "tsx", "main.ts"], {
    cwd: root,
    env: { ...process.env, CDKTF_OUTDIR: outputDirectory, CDKTF_CONTEXT_JSON: "{}" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  if (code !== 0) throw new Error(`the stacks cannot be synthesized:\n${said.trim()}`);
}
