/** Plans synthesized stacks as if nothing were there yet: without state, without an account, without a cloud. */
import { spawn } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

/** Stands for a subscription or a tenant that is not known. */
const NOBODYS_ID = "00000000-0000-0000-0000-000000000000";

/** Terraform reads it after `cdk.tf.json`, and takes its backend: the stack's own needs an account to exist. */
const OVERRIDE_FILE = "backend_override.tf.json";
const WITHOUT_STATE = { terraform: { backend: { local: { path: "no.tfstate" } } } };

/**
 * Plans each stack of an environment and shows the plans as Terraform does.
 *
 * The providers want to sign in before they plan anything. They are given a token that no service accepts: to plan what is
 * all to be created, they ask none.
 *
 * @param outputDirectory where the environment was synthesized, and nothing else; Terraform's files go there as well
 * @returns whether Terraform could plan all of them
 * @throws Error where Terraform is not there
 */
export async function planFromNothing(outputDirectory: string): Promise<boolean> {
  const server = await serveNobody();
  const { port } = server.address() as AddressInfo;
  try {
    const stacks = path.join(outputDirectory, "stacks");
    for (const stack of readdirSync(stacks).sort(inOrderOfDeployment)) {
      const folder = path.join(stacks, stack);
      writeFileSync(path.join(folder, OVERRIDE_FILE), JSON.stringify(WITHOUT_STATE));
      console.log(`\n${stack}\n`);
      const environment = asNobody(`http://127.0.0.1:${port}`);
      const args = ["-input=false", ...(process.stdout.isTTY ? [] : ["-no-color"])];
      const isPlanned =
        (await terraform(folder, ["init", ...args], environment, "quiet")) &&
        (await terraform(folder, ["plan", "-lock=false", ...args], environment, "shown"));
      if (!isPlanned) return false;
    }
    return true;
  } finally {
    server.close();
  }
}

function inOrderOfDeployment(one: string, other: string): number {
  const order = ["platform", "catalog", "pipeline"];
  const place = (stack: string) => order.findIndex((kind) => stack.endsWith(`-${kind}`));
  return place(one) - place(other);
}

/** The process's variables, but for those that could sign somebody in, and with a sign-in as nobody. */
function asNobody(url: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(ARM|AZURE|DATABRICKS)_/.test(name));
  return {
    ...Object.fromEntries(kept),
    // azurerm takes an http address for tokens only of a managed identity.
    ARM_USE_MSI: "true",
    ARM_USE_CLI: "false",
    ARM_MSI_ENDPOINT: `${url}/token`,
    ARM_TENANT_ID: NOBODYS_ID,
    // Where the stack does not say which: it can be planned all the same.
    ARM_SUBSCRIPTION_ID: NOBODYS_ID,
    // Otherwise it asks Azure what there is.
    ARM_RESOURCE_PROVIDER_REGISTRATIONS: "none",
    ARM_PROVIDER_ENHANCED_VALIDATION: "false",
    // Not the profiles in somebody's home either.
    DATABRICKS_CONFIG_FILE: path.join(__dirname, "no-profiles"),
    CHECKPOINT_DISABLE: "1",
  };
}

/** Hands out tokens that nobody signed, and knows nothing else. */
async function serveNobody(): Promise<Server> {
  const server = createServer(({ url = "" }, response) => {
    const isTokenAsked = url.startsWith("/token");
    response.writeHead(isTokenAsked ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(isTokenAsked ? unsignedToken() : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function unsignedToken(): object {
  const now = Math.floor(Date.now() / 1000);
  const claims = { oid: NOBODYS_ID, tid: NOBODYS_ID, appid: NOBODYS_ID, sub: NOBODYS_ID, nbf: now, exp: now + 3600 };
  const [header, body] = [{ alg: "none" }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  return { access_token: `${header}.${body}.`, token_type: "Bearer", expires_on: String(claims.exp) };
}

/** Runs Terraform in a folder; what it prints is shown, or, if it should be quiet, only where it fails. */
async function terraform(
  folder: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  output: "shown" | "quiet",
): Promise<boolean> {
  const stdio = output === "shown" ? "inherit" : "pipe";
  const child = spawn("terraform", args, { cwd: folder, env, stdio: ["ignore", stdio, stdio] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text: Buffer) => (said += text.toString()));
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
  if (code !== 0) process.stderr.write(said);
  return code === 0;
}
