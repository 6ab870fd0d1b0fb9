import path from "node:path";
import { EnvironmentError } from "./environments/environment.ts";
import { requestedEnvironments } from "./environments/requested.ts";
import { SOURCE_LINES_VARIABLE } from "./stacks/source-lines.ts";
import { synthesizeEnvironments } from "./stacks/synthesis.ts";

const WRONG_ENVIRONMENT = 1;
/** Also what the `order-tracking` command tells a mistake in the command line by. */
const WRONG_REQUEST = 2;

try {
  const today = new Date().toISOString().slice(0, "YYYY-MM-DD".length);
  const { requests, areNamed } = requestedEnvironments(process.env, today);
  const outputDirectory = process.env.CDKTF_OUTDIR ?? "cdktf.out";
  const refusals = synthesizeEnvironments(requests, outputDirectory, today, {
    lockFile: path.join(__dirname, ".terraform.lock.hcl"),
    keepsLines: process.env[SOURCE_LINES_VARIABLE] !== undefined,
  });
  const isFailure = refusals.length === requests.length || (areNamed && refusals.length > 0);
  // cdktf shows what the app writes to standard error only if the app fails.
  const print = isFailure ? console.error : console.log;
  for (const { environment, reason } of refusals) print(`${environment} was not synthesized: ${reason}`);
  if (isFailure) process.exitCode = WRONG_ENVIRONMENT;
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error;
  console.error(error.message);
  process.exitCode = WRONG_REQUEST;
}
