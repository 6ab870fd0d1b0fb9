/** A client of the cloud that goes over the network as the providers do: through the proxy, with TLS. */
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { request as requestTls } from "node:https";
import type { Socket } from "node:net";
import { connect } from "node:tls";
import { AUDIENCES, type Principal, TENANT_ID } from "./account.ts";
import { CLIENT_SECRET } from "./azure/login.ts";
import { type Cloud, DEPLOYER, SUBSCRIPTION_ID } from "./cloud.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The answer as JSON; empty where it is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Sends one request on a connection of its own. */
export async function send(
  cloud: Cloud,
  method: string,
  url: string,
  { body, headers = {} }: { body?: object | string; headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const { hostname, pathname, search } = new URL(url);
  const tunnel = await openTunnel(cloud, hostname);
  const socket = connect({
    socket: tunnel,
    servername: hostname,
    ca: readFileSync(cloud.variables().SSL_CERT_FILE ?? ""),
  });
  const content = typeof body === "object" ? JSON.stringify(body) : (body ?? "");
  return new Promise((resolve, reject) => {
    const sent = requestTls(
      {
        method,
        path: pathname + search,
        headers: {
          host: hostname,
          "content-length": Buffer.byteLength(content),
          ...(typeof body === "object" && { "content-type": "application/json" }),
          ...headers,
        },
        createConnection: () => socket,
      },
      (response) => {
        let text = "";
        response.on("data", (data: Buffer) => (text += data.toString()));
        response.on("end", () => {
          socket.destroy();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) });
        });
      },
    );
    sent.on("error", reject).end(content);
  });
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** @throws Error where the proxy lets nobody through to the host */
function openTunnel(cloud: Cloud, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(cloud.proxyUrl);
    request({ hostname, port, method: "CONNECT", path: `${host}:443` })
      .on("connect", ({ statusCode }, socket) => {
        if (statusCode === 200) resolve(socket);
        else reject(new Error(`the proxy answered ${String(statusCode)}`));
      })
      .on("error", reject)
      .end();
  });
}

/** A token from Entra ID for a service principal. */
export async function signIn(cloud: Cloud, audience: string, name = DEPLOYER): Promise<string> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: name,
    client_secret: CLIENT_SECRET,
    resource: audience,
  });
  const { body } = await send(cloud, "POST", `https://login.microsoftonline.com/${TENANT_ID}/oauth2/token`, {
    body: form.toString(),
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  return String(body.access_token);
}

/** Asks Azure Resource Manager as the deployer; paths start within the subscription. */
export async function azure(cloud: Cloud, method: string, path: string, body?: object): Promise<Answer> {
  const token = await signIn(cloud, AUDIENCES.resourceManager);
  return send(cloud, method, `https://management.azure.com/subscriptions/${SUBSCRIPTION_ID}${path}`, {
    ...(body && { body }),
    headers: { authorization: `Bearer ${token}` },
  });
}

/** Asks a workspace, as the deployer or as somebody else of the account. */
export async function databricks(
  cloud: Cloud,
  host: string,
  method: string,
  path: string,
  body?: object,
  caller?: Principal,
): Promise<Answer> {
  const token = caller ? cloud.account.token(caller, AUDIENCES.databricks) : await signIn(cloud, AUDIENCES.databricks);
  const management = await signIn(cloud, AUDIENCES.serviceManagement);
  return send(cloud, method, `https://${host}${path}`, {
    ...(body && { body }),
    headers: {
      authorization: `Bearer ${token}`,
      ...(!caller && { "x-databricks-azure-sp-management-token": management }),
    },
  });
}

const databricksId = (name: string) => `/resourceGroups/rg-a/providers/Microsoft.Databricks/${name}`;
export const LAKE = "/resourceGroups/rg-a/providers/Microsoft.Storage/storageAccounts/lake";

/** Makes a group with a lake, an identity that may reach it, and a workspace; returns the workspace's host. */
export async function makePlatform(cloud: Cloud): Promise<string> {
  const made = async (path: string, body: object) => {
    const answer = await azure(cloud, "PUT", path, body);
    if (answer.status >= 300) throw new Error(answer.text);
    return answer.body as { identity: { principalId: string }; properties: { workspaceUrl: string } };
  };
  const location = "westeurope";
  await made("/resourceGroups/rg-a", { location });
  await made(LAKE, {
    location,
    kind: "StorageV2",
    sku: { name: "Standard_LRS" },
    properties: { isHnsEnabled: true, allowBlobPublicAccess: false },
  });
  for (const name of ["events", "managed"]) {
    await made(`${LAKE}/blobServices/default/containers/${name}`, { properties: { publicAccess: "None" } });
  }
  const { identity } = await made(databricksId("accessConnectors/dbac-a"), {
    location,
    identity: { type: "SystemAssigned" },
  });
  await made(`${LAKE}/providers/Microsoft.Authorization/roleAssignments/a1a1a1a1-0000-4000-8000-000000000001`, {
    properties: { roleDefinitionId: roleId("ba92f5b4-2d11-453d-a403-e96b0029c9fe"), principalId: identity.principalId },
  });
  const workspace = await made(databricksId("workspaces/dbw-a"), {
    location,
    sku: { name: "premium" },
    properties: { managedResourceGroupId: `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/rg-a-managed` },
  });
  return workspace.properties.workspaceUrl;
}

export const roleId = (guid: string) =>
  `/subscriptions/${SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/${guid}`;
export const CONNECTOR_ID = `/subscriptions/${SUBSCRIPTION_ID}${databricksId("accessConnectors/dbac-a")}`;

/** What is in a directory of a container of the lake, as Unity Catalog names it. */
export const urlIn = (container: string, directory = "") =>
  `abfss://${container}@lake.dfs.core.windows.net/${directory}`;
export const CREDENTIAL = { name: "cred", azure_managed_identity: { access_connector_id: CONNECTOR_ID } };

/** Makes a catalog `cat` with a schema `sch`, and locations for both containers of the lake. */
export async function makeCatalog(cloud: Cloud, host: string): Promise<void> {
  const made = async (what: string, body: object) => {
    const answer = await databricks(cloud, host, "POST", `/api/2.1/unity-catalog/${what}`, body);
    if (answer.status >= 300) throw new Error(answer.text);
  };
  await made("storage-credentials", CREDENTIAL);
  for (const name of ["events", "managed"]) {
    await made("external-locations", { name, url: urlIn(name), credential_name: CREDENTIAL.name });
  }
  await made("catalogs", { name: "cat", storage_root: urlIn("managed", "tables") });
  await made("schemas", { name: "sch", catalog_name: "cat" });
}
