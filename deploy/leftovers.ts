/** Looks for whatever is left of a sandbox, by its name and its tag, in Azure, the workspace and Unity Catalog. */
import { z } from "zod";
import {
  catalog,
  eventSourceLocation,
  GUESTS_FOLDER,
  managedLocation,
  storageAccount,
  storageCredential,
} from "../environments/names.ts";
import { az, type AzCall, commandLine } from "./azure-cli.ts";
import type { SandboxHome } from "./sandbox-home.ts";
import { deletionOf, stateBlobs } from "./sandbox-states.ts";
import { listTagged } from "./sandboxes.ts";
import { findWorkspace, type Workspace } from "./workspace.ts";

/** Something that has a sandbox's name or tag. */
export interface Leftover {
  readonly what: string;
  /** How to remove it; nothing where it goes by itself. */
  readonly call?: AzCall;
}

export interface Search {
  readonly left: readonly Leftover[];
  /** Where nobody could look, and why. */
  readonly notSearched: readonly string[];
}

/** How long a workspace keeps what was deleted. */
const TRASH_DAYS = 30;
/** Azure Databricks, as Entra ID knows it: https://learn.microsoft.com/azure/databricks/dev-tools/auth/ */
const DATABRICKS = "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d";

type Entry = Readonly<Record<string, unknown>>;

/** One kind of things in a workspace or in its metastore. */
interface Kind {
  readonly what: string;
  /** Path that lists them, and the field of the answer that they are in. */
  readonly list: string;
  readonly field: string;
  readonly nameOf: (entry: Entry) => unknown;
  /** Method, path and body of the request that deletes one. */
  readonly deletion: (entry: Entry) => readonly [method: string, path: string, body?: object];
  /** What the sandbox of a name has of them in Unity Catalog, which a workspace does not list where it is not bound to it. */
  readonly securables?: (name: string) => readonly string[];
}

const UNITY_CATALOG = "/api/2.1/unity-catalog";
const byPath = (path: string, field: string) => (entry: Entry) =>
  ["delete", `${path}/${String(entry[field])}`] as const;
const byBody = (path: string, field: string) => (entry: Entry) => ["post", path, { [field]: entry[field] }] as const;
const forced = (path: string) => (entry: Entry) => ["delete", `${path}/${String(entry.name)}?force=true`] as const;

/** In the order in which they can be deleted: what uses something before what it uses. */
const KINDS: readonly Kind[] = [
  {
    what: "alert",
    list: "/api/2.0/alerts",
    field: "alerts",
    nameOf: ({ display_name: name }) => name,
    deletion: byPath("/api/2.0/alerts", "id"),
  },
  {
    what: "dashboard",
    list: "/api/2.0/lakeview/dashboards?show_trashed=true",
    field: "dashboards",
    nameOf: ({ display_name: name }) => name,
    deletion: byPath("/api/2.0/lakeview/dashboards", "dashboard_id"),
  },
  {
    what: "saved query",
    list: "/api/2.0/sql/queries",
    field: "results",
    nameOf: ({ display_name: name }) => name,
    deletion: byPath("/api/2.0/sql/queries", "id"),
  },
  {
    what: "SQL warehouse",
    list: "/api/2.0/sql/warehouses",
    field: "warehouses",
    nameOf: ({ name }) => name,
    deletion: byPath("/api/2.0/sql/warehouses", "id"),
  },
  {
    what: "job",
    list: "/api/2.2/jobs/list?limit=100",
    field: "jobs",
    nameOf: ({ settings }) => (settings as Entry | undefined)?.name,
    deletion: byBody("/api/2.2/jobs/delete", "job_id"),
  },
  {
    what: "cluster",
    list: "/api/2.1/clusters/list?page_size=100",
    field: "clusters",
    nameOf: ({ cluster_name: name }) => name,
    deletion: byBody("/api/2.1/clusters/permanent-delete", "cluster_id"),
  },
  {
    what: "cluster policy",
    list: "/api/2.0/policies/clusters/list",
    field: "policies",
    nameOf: ({ name }) => name,
    deletion: byBody("/api/2.0/policies/clusters/delete", "policy_id"),
  },
  {
    what: "notification destination",
    list: "/api/2.0/notification-destinations",
    field: "results",
    nameOf: ({ display_name: name }) => name,
    deletion: byPath("/api/2.0/notification-destinations", "id"),
  },
  {
    what: "folder",
    list: `/api/2.0/workspace/list?path=${GUESTS_FOLDER}`,
    field: "objects",
    nameOf: ({ path }) => path,
    deletion: ({ path }) => ["post", "/api/2.0/workspace/delete", { path, recursive: true }],
  },
  {
    what: "catalog",
    list: `${UNITY_CATALOG}/catalogs`,
    field: "catalogs",
    nameOf: ({ name }) => name,
    deletion: forced(`${UNITY_CATALOG}/catalogs`),
    securables: (name) => [catalog({ name })],
  },
  {
    what: "external location",
    list: `${UNITY_CATALOG}/external-locations`,
    field: "external_locations",
    nameOf: ({ name }) => name,
    deletion: forced(`${UNITY_CATALOG}/external-locations`),
    securables: (name) => [eventSourceLocation({ name }), managedLocation({ name })],
  },
  {
    what: "storage credential",
    list: `${UNITY_CATALOG}/storage-credentials`,
    field: "storage_credentials",
    nameOf: ({ name }) => name,
    deletion: forced(`${UNITY_CATALOG}/storage-credentials`),
    securables: (name) => [storageCredential({ name })],
  },
];

/** Whether a text holds a sandbox's name as a word, or that of its storage account, which has no sign before it. */
export function names(text: unknown, sandbox: string): boolean {
  if (typeof text !== "string") return false;
  const words = `${sandbox}|${storageAccount({ name: sandbox })}`;
  return new RegExp(`(^|[^a-z0-9])(${words})([^a-z0-9]|$)`, "i").test(text);
}

/** A leftover in a line or two: what it is, and the exact command that removes it. */
export function leftoverLines({ what, call }: Leftover): readonly string[] {
  return [what, ...(call ? [`    ${commandLine(call)}`] : [`    goes by itself, within ${TRASH_DAYS} days`])];
}

/** Looks everywhere that a sandbox of this name may have left something, and changes nothing. */
export async function findLeftovers(home: SandboxHome, sandbox: string): Promise<Search> {
  // Looked up once; where it cannot be, each search in it says so.
  const workspace = workspaceOf(home);
  const searches: readonly (readonly [where: string, search: () => Promise<readonly Leftover[]>])[] = [
    ...KINDS.map(
      (kind) => [`${kind.what} in the workspace`, async () => inWorkspace(await workspace, kind, sandbox)] as const,
    ),
    ["role assignments", () => inRoles(home, sandbox)],
    ["resource groups and resources", () => inAzure(home, sandbox)],
    ["states", () => inStates(home, sandbox)],
  ];
  const found = await Promise.all(
    searches.map(async ([where, search]) => {
      try {
        return { left: await search() };
      } catch (error) {
        return { notSearched: `${where}: ${(error as Error).message}` };
      }
    }),
  );
  return {
    left: found.flatMap(({ left }) => left ?? []),
    notSearched: found.flatMap(({ notSearched }) => notSearched ?? []),
  };
}

async function workspaceOf({ workspaceId, backend }: SandboxHome): Promise<Workspace> {
  const workspace = await findWorkspace(workspaceId, backend.subscriptionId);
  if (workspace === undefined) throw new Error("the workspace does not exist");
  return workspace;
}

async function inWorkspace(workspace: Workspace, kind: Kind, sandbox: string): Promise<readonly Leftover[]> {
  const entries = await listed(workspace.url, kind);
  const found = entries
    .filter((entry) => names(kind.nameOf(entry), sandbox))
    .map((entry) => {
      const what = `${kind.what} ${String(kind.nameOf(entry))}`;
      if (entry.lifecycle_state === "TRASHED") return { what: `${what}, in the trash` };
      return { what, call: deletionIn(workspace, kind, entry) };
    });
  const unlisted = (kind.securables?.(sandbox) ?? []).filter((name) => !entries.some((entry) => entry.name === name));
  const hidden = await Promise.all(unlisted.map((name) => hiddenFrom(workspace, kind, name)));
  return [...found, ...hidden.flat()];
}

function deletionIn({ url }: Workspace, kind: Kind, entry: Entry): AzCall {
  const [method, path, body] = kind.deletion(entry);
  return request(method, url + path, body);
}

/**
 * Something in Unity Catalog that is there, but that the workspace does not list, since somebody took its binding away, or
 * since it belongs to somebody else: Databricks refuses to show it for either reason, where it says of what is not there
 * that it is not. It has to be bound again to be deleted, which only its owner may do, or who administers the metastore.
 */
async function hiddenFrom(workspace: Workspace, kind: Kind, name: string): Promise<readonly Leftover[]> {
  try {
    await az(request("get", `${workspace.url}${kind.list}/${name}`));
  } catch (error) {
    const { message } = error as Error;
    if (message.includes("DOES_NOT_EXIST") || message.includes("NOT_FOUND")) return [];
    if (!message.includes("PERMISSION_DENIED") && !message.includes("not accessible")) throw error;
  }
  const binding = `${UNITY_CATALOG}/bindings/${kind.what.replace(" ", "_")}/${name}`;
  const add = [{ workspace_id: workspace.id, binding_type: "BINDING_TYPE_READ_WRITE" }];
  return [
    {
      what:
        `${kind.what} ${name}, which is not shown: it is not bound to the workspace any more, or whoever is signed in ` +
        "does not own it. Its owner, or an administrator of the metastore, binds it, and then deletes it",
      call: request("patch", workspace.url + binding, { add }),
    },
    { what: `${kind.what} ${name}`, call: deletionIn(workspace, kind, { name }) },
  ];
}

/** All pages of a list. A folder that is not there lists nothing. */
async function listed(url: string, { list, field }: Kind): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let page = "";
  do {
    const next = page === "" ? "" : `${list.includes("?") ? "&" : "?"}page_token=${encodeURIComponent(page)}`;
    const answer = await az(request("get", url + list + next)).catch((error: unknown) => {
      if ((error as Error).message.includes("RESOURCE_DOES_NOT_EXIST")) return {};
      throw error;
    });
    const parsed = z.record(z.string(), z.unknown()).parse(answer ?? {});
    entries.push(...z.array(z.record(z.string(), z.unknown())).parse(parsed[field] ?? []));
    page = z.string().default("").parse(parsed.next_page_token);
  } while (page !== "");
  return entries;
}

function request(method: string, url: string, body?: object): AzCall {
  return {
    command: "rest",
    options: { method, url, resource: DATABRICKS, ...(body && { body: JSON.stringify(body) }) },
  };
}

const rolesType = z.array(z.object({ id: z.string(), scope: z.string(), roleDefinitionName: z.string().nullish() }));

/**
 * Roles on something that had the sandbox's name: they outlive who they were for, and sometimes what they were on.
 *
 * Whoever has rights in a shared resource group only may not list the roles of the subscription. There, the roles of a
 * sandbox are on what is its own, which is looked for by itself.
 */
async function inRoles(
  { backend: { subscriptionId }, resourceGroup }: SandboxHome,
  sandbox: string,
): Promise<readonly Leftover[]> {
  if (resourceGroup !== undefined) return [];
  // Names of principals come from Microsoft Graph. In a workflow nobody has its token, nor gets it once GitHub's word is old.
  const options = { all: [], "fill-principal-name": false, subscription: subscriptionId };
  const roles = await az({ command: "role assignment list", options });
  return rolesType
    .parse(roles)
    .filter(({ scope }) => names(scope, sandbox))
    .map(({ id, scope, roleDefinitionName: role }) => ({
      what: `role assignment ${role ?? "of an unknown role"} on ${scope}`,
      call: { command: "role assignment delete", options: { ids: id, subscription: subscriptionId } },
    }));
}

async function inAzure(home: SandboxHome, sandbox: string): Promise<readonly Leftover[]> {
  const { resourceGroup } = home;
  const { subscriptionId: subscription } = home.backend;
  const [groups, tagged, neighbours] = await Promise.all([
    listTagged(home, "group list"),
    listTagged(home, "resource list", { tag: `environment=${sandbox}` }),
    resourceGroup === undefined ? [] : listTagged(home, "resource list", { "resource-group": resourceGroup }),
  ]);
  // By name as well in a shared group, should somebody have taken a tag away.
  const named = neighbours.filter((each) => names(each.name, sandbox) && !tagged.some(({ id }) => id === each.id));
  const resources = [...tagged, ...named];
  const ours = groups.filter(({ name, tags }) => names(name, sandbox) || tags?.environment === sandbox);
  const isInside = (id: string) => ours.some((group) => id.toLowerCase().startsWith(`${group.id.toLowerCase()}/`));
  return [
    ...resources
      .filter(({ id }) => !isInside(id))
      .map(({ id, name }) => ({
        what: `resource ${name}`,
        call: { command: "resource delete", options: { ids: id, subscription } },
      })),
    ...ours.map(({ name }) => ({
      what: `resource group ${name}, with all that is in it`,
      call: { command: "group delete", options: { name, yes: [], subscription } },
    })),
  ];
}

async function inStates(home: SandboxHome, sandbox: string): Promise<readonly Leftover[]> {
  const blobs = await stateBlobs(home, `${sandbox}/`);
  return blobs.map(({ name }) => ({ what: `state ${name}`, call: deletionOf(home, name) }));
}
