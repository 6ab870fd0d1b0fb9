/** As `main.ts`, for an environment that a test describes. */
import { type EnvironmentSettings, resolveEnvironment } from "../../../environments/environment.ts";
import { synthesizeEnvironments } from "../../../stacks/synthesis.ts";

/** The variable that holds the environment's settings, as JSON. */
export const SETTINGS_VARIABLE = "ORDER_TRACKING_TEST_SETTINGS";

const settings = JSON.parse(process.env[SETTINGS_VARIABLE] ?? "{}") as EnvironmentSettings;
const request = { name: settings.name, resolve: () => resolveEnvironment(settings, process.env) };
const today = new Date().toISOString().slice(0, "YYYY-MM-DD".length);
const refusals = synthesizeEnvironments([request], process.env.CDKTF_OUTDIR ?? "cdktf.out", today);
for (const { reason } of refusals) console.error(reason);
if (refusals.length > 0) process.exitCode = 1;
