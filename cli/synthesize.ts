/** Runs the CDKTF app for one environment, as `cdktf synth` does, into a folder of one's own. */
import { spawn } from "node:child_process";
import path from "node:path";
import { UsageError } from "./arguments.ts";
import { WORKSPACE_VARIABLES } from "../environments/workspace-variables.ts";

/** The app's exit code where it is asked for what there is not. */
const WRONG_REQUEST = 2;

const root = path.dirname(__dirname);

/** Variables for what deploys nothing: a workspace that the shell names for other work is no reason to refuse that. */
export const OF_NO_WORKSPACE: Readonly<Record<string, string>> = Object.fromEntries(
  WORKSPACE_VARIABLES.map((name) => [name, ""]),
);

/**
 * Synthesizes the stacks of an environment into `outputDirectory`; what is wrong with another is no matter.
 *
 * @param variables of the process that synthesizes, beside those of this one
 * @param checkout whose stacks; by default those of this one
 * @throws UsageError where there is no such environment
 * @throws Error with what the app said, such as a refused value of an environment; when the signal aborts
 */
export async function synthesize(
  outputDirectory: string,
  environment: string,
  signal?: AbortSignal,
  variables: Readonly<Record<string, string>> = {},
  checkout = root,
): Promise<void> {
  if (environment.trim() === "" || environment.includes(",")) throw new UsageError("name one environment");
  const child = spawn(process.execPath, ["--import", "tsx", "main.ts"], {
    cwd: checkout,
    env: {
      ...process.env,
      ...variables,
      ORDER_TRACKING_ENVIRONMENTS: environment,
      CDKTF_OUTDIR: outputDirectory,
      CDKTF_CONTEXT_JSON: "{}",
    },
    stdio: ["ignore", "ignore", "pipe"],
    signal,
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject).on("close", resolve);
  });
  if (code === WRONG_REQUEST) throw new UsageError(said.trim());
  if (code !== 0) throw new Error(said.trim());
}
