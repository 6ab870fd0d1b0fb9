/** To plan synthesized stacks as if nothing were there yet: without state, without an account, without a cloud. */
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

/** Stands for a subscription or a tenant that is not known. */
const NOBODYS_ID = "00000000-0000-0000-0000-000000000000";

/** Terraform reads it after `cdk.tf.json`, and takes its backend in place of the stack's own. */
const OVERRIDE_FILE = "backend_override.tf.json";

/** Lets a stack's folder keep its state in a file, in place of where the stack says. */
export function keepStateIn(folder: string, file: string): void {
  writeFileSync(
    path.join(folder, OVERRIDE_FILE),
    JSON.stringify({ terraform: { backend: { local: { path: file } } } }),
  );
}

/**
 * Calls a function with the variables of a process that is nobody.
 *
 * The providers want to sign in before they plan anything. They are given a token that no service accepts: to plan what is
 * all to be created, they ask none.
 */
export async function asNobody<T>(use: (variables: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const server = await serveNobody();
  const { port } = server.address() as AddressInfo;
  try {
    return await use(variablesOfNobody(`http://127.0.0.1:${port}`));
  } finally {
    server.close();
  }
}

/** The process's variables, but for those that could sign somebody in, and with a sign-in as nobody. */
function variablesOfNobody(url: string): NodeJS.ProcessEnv {
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
