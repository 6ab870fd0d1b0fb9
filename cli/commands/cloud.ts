/** `order-tracking cloud`: a stand-in for Azure and Databricks on this machine, for people who have no account. */
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { rootCertificates } from "node:tls";
import { releaseLock, takeLock } from "../../bin/lock.mjs";
import { LASTING } from "../../environments/requested.ts";
import { NotebookKernel } from "../../local/notebook-kernel.ts";
import { type Cloud, startCloud, SUBSCRIPTION_ID } from "../../test/cloud/cloud.ts";
import { OF_OTHERS } from "../../test/cloud/deploy/choices.ts";
import { parseArguments, UsageError } from "../arguments.ts";
import { untilInterrupted } from "../interruption.ts";

export const usage = `Usage: npm run -s order-tracking -- cloud [--port N] [--speed N]

Starts a stand-in for Azure and Databricks, which real Terraform deploys to: no account, no costs, nothing leaves this
machine. Prints what another terminal needs to deploy to it, and the address of a page that shows what is there. Deployed
jobs run on this machine's Spark, with the rights that were granted in the stand-in. It forgets everything when it ends,
with Ctrl-C.

  --port N   where it listens on this machine (8871)
  --speed N  let the clock of file-arrival triggers run N times faster (default: 1)
`;

const DEFAULT_PORT = "8871";
/** Where Terraform gets providers from; everything else that asks for a host that is not the cloud's is refused. */
const REGISTRIES = ["registry.terraform.io", "releases.hashicorp.com", "github.com", ".githubusercontent.com"];

const folder = path.join(__dirname, "../../.local/cloud");
const lock = path.join(folder, "lock");

/** Serves until it is interrupted. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArguments({
    args: [...args],
    options: { port: { type: "string", default: DEFAULT_PORT }, speed: { type: "string", default: "1" } },
  });
  const speed = Number(values.speed);
  if (!(speed > 0 && speed < Infinity)) throw new UsageError(`--speed ${values.speed}: give a number above 0`);
  mkdirSync(folder, { recursive: true });
  return untilInterrupted(async (interrupted) => {
    const owner = takeLock(lock);
    if (owner !== undefined) throw new Error(`process ${owner} is such a stand-in already: use it, or end it first`);
    try {
      await serve(Number(values.port), speed, interrupted);
    } finally {
      releaseLock(lock);
    }
    return 0;
  });
}

async function serve(port: number, speed: number, interrupted: AbortSignal): Promise<void> {
  // The volumes and tables of a cloud that is gone.
  for (const entry of readdirSync(folder)) {
    if (!entry.startsWith(path.basename(lock))) rmSync(path.join(folder, entry), { recursive: true });
  }
  const cloud = await startCloud({
    port,
    deployerIsIn: OF_OTHERS.owners,
    jobs: { folder: path.join(folder, "catalogs"), openKernel: (home) => new NotebookKernel(home), speed },
  });
  for (const name of OF_OTHERS.groups) cloud.account.add("group", name);
  for (const name of [...OF_OTHERS.servicePrincipals, ...OF_OTHERS.deployers]) {
    cloud.account.add("service-principal", name);
  }
  const variables = writeVariables(cloud);
  console.log(`The stand-in for the cloud shows what is deployed at ${cloud.proxyUrl}`);
  console.log(`In another terminal:

  source ${variables}
  export ORDER_TRACKING_ENVIRONMENTS=dev ORDER_TRACKING_ROLE_WAIT_SECONDS=0
  npm run -s order-tracking -- state dev
  npx cdktf deploy --skip-provider-lock 'dev-{platform,catalog,pipeline}'
  npx cdktf destroy --skip-provider-lock 'dev-{platform,catalog,pipeline}'
`);
  if (!interrupted.aborted) await once(interrupted, "abort");
  await cloud.close();
}

/** Writes a script that leads a shell's commands to the stand-in, and returns its path from here. */
function writeVariables(cloud: Cloud): string {
  const ofCloud = cloud.variables();
  const certificates = path.join(folder, "certificates.pem");
  // Providers are still to be had from where they are published.
  writeFileSync(certificates, [readFileSync(ofCloud.SSL_CERT_FILE ?? "", "utf8"), ...rootCertificates].join("\n"));
  const variables = {
    ...ofCloud,
    // What is a person's own stays so.
    HOME: undefined,
    PATH: undefined,
    SSL_CERT_DIR: undefined,
    SSL_CERT_FILE: certificates,
    NO_PROXY: [ofCloud.NO_PROXY, ...REGISTRIES].join(","),
    DATABRICKS_CONFIG_FILE: path.join(folder, "no-profiles"),
    ...Object.fromEntries(LASTING.map(({ subscriptionIdVariable }) => [subscriptionIdVariable, SUBSCRIPTION_ID])),
  };
  const lines = Object.entries(variables)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `export ${name}='${String(value)}'`);
  const script = path.join(folder, "variables.sh");
  writeFileSync(script, [...lines, `export PATH='${path.join(ofCloud.HOME ?? "", "bin")}':"$PATH"`, ""].join("\n"));
  return path.relative(process.cwd(), script);
}
