/** Mistakes that validation and plans let pass: each makes a deployment fail, or leaves a plan that is never empty. */
import type { EnvironmentSettings } from "../../../environments/environment.ts";
import type { StackKind } from "../../../environments/names.ts";
import { all, MINIMAL, type StackJson } from "../../synthesized.ts";
import type { ArmResource } from "../azure/arm.ts";
import type { Cloud } from "../cloud.ts";
import type { Membership } from "../databricks/workspace.ts";
import type { Store } from "../store.ts";
import { OF_OTHERS } from "./choices.ts";
import { outcome, SUCCESS } from "./deployment.ts";
import { installProviders } from "./providers.ts";
import { ONLY, SEED } from "./selected.ts";
import { SingleStack } from "./single-stack.ts";
import { addNeighbours, startPeopledCloud } from "./surroundings.ts";

/** An environment in which nearly everything is that an environment can have. */
const BASE: EnvironmentSettings = {
  ...MINIMAL,
  name: "base",
  disposable: true,
  network: { posture: "private", addressSpace: "10.20.0.0/24" },
  notifications: { emails: ["team@example.com"], create: ["slack", "webhook"] },
  warehouse: "create",
  ownerGroup: OF_OTHERS.owners[0],
  loaders: ["order-tracking-loaders"],
  analysts: ["order-tracking-analysts"],
  operators: ["order-tracking-operators"],
  runAs: OF_OTHERS.servicePrincipals[1],
};

type Block = Record<string, unknown>;

interface Mutation {
  readonly kind: StackKind;
  readonly settings?: Partial<EnvironmentSettings>;
  /** The mistake in the stack. */
  readonly change?: (stack: StackJson, files: Map<string, string>) => void;
  /** What a mistake in an earlier stack would have left. */
  readonly cloud?: (cloud: Cloud) => void;
  /** How late roles may be, in milliseconds. */
  readonly latestRole?: number;
  /** What Terraform says; by default that something would change again and again. */
  readonly says?: RegExp;
}

const first = (stack: StackJson, type: string): Block => {
  const [resource] = all(stack, type);
  if (!resource) throw new Error(`there is no ${type}`);
  return resource;
};
const named = (stack: StackJson, type: string, name: string): Block => {
  const resource = all(stack, type).find((each) => [each.name, each.display_name].includes(name));
  if (!resource) throw new Error(`there is no ${type} ${name}`);
  return resource;
};
const set = (type: string, values: Block) => (stack: StackJson) => void Object.assign(first(stack, type), values);
const block = (resource: Block, ...path: string[]): Block =>
  path.reduce<Block>((within, name) => {
    const inner = within[name];
    return (Array.isArray(inner) ? inner[0] : inner) as Block;
  }, resource);
const add = (stack: StackJson, type: string, id: string, resource: Block) => {
  stack.resource[type] = { ...stack.resource[type], [id]: resource };
};
const remove = (stack: StackJson, type: string, isOne: (id: string) => boolean) => {
  for (const id of Object.keys(stack.resource[type] ?? {})) if (isOne(id)) delete stack.resource[type]?.[id];
};
const orderFiles = (stack: StackJson) => named(stack, "databricks_volume", "order_files");
const copied = (stack: StackJson, type: string) => structuredClone(first(stack, type));
const load = (stack: StackJson) => named(stack, "databricks_job", "[base] orders_tracking_incremental_load");
const firstTask = (stack: StackJson) => block(load(stack), "task");
const location = (stack: StackJson, name: string) =>
  named(stack, "databricks_external_location", `order_tracking_base_${name}`);
const patchLake = (cloud: Cloud, change: (properties: ArmResource["properties"]) => ArmResource["properties"]) => {
  const [lake] = cloud.arm.ofType("Microsoft.Storage/storageAccounts");
  if (lake) cloud.arm.patch(lake.id, change(lake.properties));
};
const members = (cloud: Cloud) => {
  const workspace = cloud.arm
    .ofType("Microsoft.Databricks/workspaces")
    .find(({ name }) => name === "dbw-order-tracking-base");
  return cloud.store.table<Membership>(`workspace ${String(workspace?.properties.workspaceId)} members`);
};
/** References to folders by their paths alone: nothing waits for the folders then. */
const withoutFolderReferences = (stack: StackJson) => {
  const folders = Object.entries(stack.resource.databricks_directory ?? {});
  let json = JSON.stringify(stack.resource);
  for (const [id, { path }] of folders) json = json.replaceAll(`\${databricks_directory.${id}.path}`, String(path));
  for (const [id, { path }] of folders) json = json.replaceAll(`\${databricks_directory.${id}.path}`, String(path));
  return JSON.parse(json) as StackJson["resource"];
};
const SELECTED: Partial<EnvironmentSettings> = {
  network: { posture: "selected-networks", addressSpace: "10.20.0.0/24", ipRanges: ["20.1.2.0/24"] },
};
const KEYED: Partial<EnvironmentSettings> = { customerManagedKey: OF_OTHERS.key };
const subnetNamed = (name: string) => (stack: StackJson) => named(stack, "azurerm_subnet", name);

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "a firewall that is open and excepts Azure's services": {
    kind: "platform",
    settings: { network: { posture: "open" } },
    change: (stack) =>
      void (block(first(stack, "azurerm_storage_account"), "network_rules").bypass = ["AzureServices"]),
  },
  "a region that there is not": {
    kind: "platform",
    change: set("azurerm_resource_group", { location: "atlantis" }),
    says: /no region of Azure/,
  },
  "a lake with a name that is taken": {
    kind: "platform",
    cloud: (cloud) => {
      cloud.arm.set({
        id: "/subscriptions/theirs/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/ordertrackingbase",
        name: "ordertrackingbase",
        type: "Microsoft.Storage/storageAccounts",
        properties: {},
      });
    },
    says: /StorageAccountAlreadyTaken/,
  },
  "a subnet outside of its network": {
    kind: "platform",
    change: (stack) => void (subnetNamed("hosts")(stack).address_prefixes = ["10.99.0.0/26"]),
    says: /NetcfgInvalidSubnet/,
  },
  "two subnets with the same addresses": {
    kind: "platform",
    change: (stack) =>
      void (subnetNamed("hosts")(stack).address_prefixes = subnetNamed("containers")(stack).address_prefixes),
    says: /NetcfgSubnetRangesOverlap/,
  },
  "subnets of clusters that are too small": {
    kind: "platform",
    change: (stack) => void (subnetNamed("hosts")(stack).address_prefixes = ["10.20.0.0/27"]),
    says: /is smaller than/,
  },
  "a subnet of clusters that is not delegated": {
    kind: "platform",
    change: (stack) => {
      delete subnetNamed("hosts")(stack).delegation;
    },
    says: /is not delegated|delegation to Microsoft.Databricks/,
  },
  "a workspace without a way to the internet": {
    kind: "platform",
    change: (stack) => {
      delete stack.resource.azurerm_subnet_nat_gateway_association;
      delete first(stack, "azurerm_databricks_workspace").depends_on;
    },
    says: /has no way to the internet/,
  },
  "a subnet of clusters without a security group": {
    kind: "platform",
    change: (stack) => {
      remove(stack, "azurerm_subnet_network_security_group_association", (id) => id.includes("hosts"));
      const [hosts = ""] = Object.keys(stack.resource.azurerm_subnet ?? {}).filter((id) => id.includes("hosts"));
      const parameters = block(first(stack, "azurerm_databricks_workspace"), "custom_parameters");
      parameters.public_subnet_network_security_group_association_id = `\${azurerm_subnet.${hosts}.id}`;
    },
    says: /has no network security group/,
  },
  "a lake that lets in subnets without a service endpoint": {
    kind: "platform",
    settings: SELECTED,
    change: (stack) => {
      delete subnetNamed("hosts")(stack).service_endpoints;
    },
    says: /has no service endpoint/,
  },
  "a managed group with the name of the environment's own": {
    kind: "platform",
    change: (stack) =>
      void (first(stack, "azurerm_databricks_workspace").managed_resource_group_name =
        "${azurerm_resource_group.resource-group.name}"),
    says: /managed resource group/i,
  },
  "a container that is public in a lake that is not": {
    kind: "platform",
    change: set("azurerm_storage_container", { container_access_type: "blob" }),
    says: /PublicAccessNotPermitted/,
  },
  "a role that there is not": {
    kind: "platform",
    change: set("azurerm_role_assignment", { role_definition_name: "Storage Blob Data Emperor" }),
    says: /Storage Blob Data Emperor/,
  },
  "an endpoint for a service that the lake does not have": {
    kind: "platform",
    change: (stack) =>
      void (block(first(stack, "azurerm_private_endpoint"), "private_service_connection").subresource_names = ["lake"]),
    says: /groupIds/,
  },
  "a network that is linked to a zone twice": {
    kind: "platform",
    change: (stack) => {
      add(stack, "azurerm_private_dns_zone_virtual_network_link", "twin", {
        ...copied(stack, "azurerm_private_dns_zone_virtual_network_link"),
        name: "twin",
      });
    },
    says: /is linked to another zone/,
  },
  "a lake that does not wait until its identity may use the key": {
    kind: "platform",
    settings: KEYED,
    latestRole: 600_000,
    change: (stack) => {
      delete first(stack, "azurerm_storage_account").depends_on;
    },
    says: /may not use the key/,
  },
  "a platform that does not wait until its roles are in effect": {
    kind: "catalog",
    cloud: (cloud) => {
      for (const { id } of cloud.arm.ofType("Microsoft.Authorization/roleAssignments"))
        cloud.arm.patch(id, { inEffectAt: Date.now() + 600_000 });
    },
    says: /does not have the role/,
  },
  "a lake that does not let Unity Catalog in": {
    kind: "catalog",
    cloud: (cloud) => {
      patchLake(cloud, ({ networkAcls }) => ({ networkAcls: { ...(networkAcls as Block), resourceAccessRules: [] } }));
    },
    says: /the firewall of ordertrackingbase does not let/,
  },
  "a lake without a hierarchy": {
    kind: "catalog",
    cloud: (cloud) => {
      patchLake(cloud, () => ({ isHnsEnabled: false }));
    },
    says: /has no hierarchical namespace/,
  },
  "a credential for an identity that there is not": {
    kind: "catalog",
    change: (stack) => {
      const identity = block(first(stack, "databricks_storage_credential"), "azure_managed_identity");
      identity.access_connector_id = String(identity.access_connector_id).replace("dbac-", "dbac-not-");
    },
    says: /the access connector .* does not exist/,
  },
  "a location on a container that there is not": {
    kind: "catalog",
    change: (stack) =>
      void (location(stack, "eventsource").url = "abfss://elsewhere@ordertrackingbase.dfs.core.windows.net/"),
    says: /there is no container/,
  },
  "two locations on the same container": {
    kind: "catalog",
    change: (stack) => void (location(stack, "eventsource").url = location(stack, "managed").url),
    says: /overlaps with the location/,
  },
  "a volume at the root of its location": {
    kind: "catalog",
    change: (stack) => void (orderFiles(stack).storage_location = location(stack, "eventsource").url),
    says: /at the root of the location/,
  },
  "a volume within managed storage": {
    kind: "catalog",
    change: (stack) =>
      void (orderFiles(stack).storage_location = `${String(first(stack, "databricks_catalog").storage_root)}/files`),
    says: /overlaps with managed storage/,
  },
  "a catalog without storage": {
    kind: "catalog",
    change: (stack) => {
      delete first(stack, "databricks_catalog").storage_root;
    },
    says: /storage root/,
  },
  "a catalog that does not wait for its location": {
    kind: "catalog",
    change: (stack) => {
      delete first(stack, "databricks_catalog").depends_on;
    },
    says: /External location for .* does not exist/,
  },
  "a landing directory that does not wait for its volume": {
    kind: "catalog",
    change: (stack) => {
      delete first(stack, "databricks_file").depends_on;
    },
    says: /Volume .* does not exist/,
  },
  "grants to a group that there is not": {
    kind: "catalog",
    change: (stack) => void (block(first(stack, "databricks_grants"), "grant").principal = "nobody"),
    says: /Could not find principal with name nobody/,
  },
  "a privilege that the object does not know": {
    kind: "catalog",
    change: (stack) => void (block(first(stack, "databricks_grants"), "grant").privileges = ["READ_FILES"]),
    says: /is not applicable/,
  },
  "two lists of grants for one object": {
    kind: "catalog",
    change: (stack) => {
      const twin = copied(stack, "databricks_grants");
      twin.grant = [{ principal: OF_OTHERS.owners[0], privileges: ["USE_CATALOG"] }];
      add(stack, "databricks_grants", "twin", twin);
    },
    // Which of the two is heard depends on which list is written last.
    says: /permissions for catalog-orders_base are .* but have to be|a plan that is never empty/,
  },
  "an owner that there is not": {
    kind: "catalog",
    change: set("databricks_schema", { owner: "nobody" }),
    says: /Could not find principal with name nobody/,
  },
  "an owner that whoever deploys is not in": {
    kind: "catalog",
    change: set("databricks_catalog", { owner: "order-tracking-analysts" }),
    says: /may not create schemas|does not own|neither owns/,
  },
  "a group in the workspace that the account does not know": {
    kind: "catalog",
    change: set("databricks_permission_assignment", { group_name: "nobody" }),
    says: /The principal does not exist/,
  },
  "folders that files do not wait for": {
    kind: "pipeline",
    change: (stack) => {
      const resource = withoutFolderReferences(stack);
      delete resource.databricks_directory;
      Object.assign(stack.resource, resource);
      delete stack.resource.databricks_directory;
      delete stack.resource.databricks_permissions;
    },
    says: /The parent folder .* does not exist/,
  },
  "a workspace that knows none of the people": {
    kind: "pipeline",
    cloud: (cloud) => {
      for (const id of members(cloud).names()) if (members(cloud).get(id) === "USER") members(cloud).delete(id);
    },
    says: /does not exist in this workspace/,
  },
  "a trigger without the slash at its end": {
    kind: "pipeline",
    change: (stack) =>
      void (block(load(stack), "trigger", "file_arrival").url =
        "/Volumes/orders_base/order_tracking/order_files/file_arrival"),
    says: /ends with a slash/,
  },
  "a trigger on a volume that there is not": {
    kind: "pipeline",
    change: (stack) =>
      void (block(load(stack), "trigger", "file_arrival").url = "/Volumes/orders_base/order_tracking/files/"),
    says: /Volume .* does not exist/,
  },
  "a trigger that is too quick": {
    kind: "pipeline",
    change: (stack) => void (block(load(stack), "trigger", "file_arrival").wait_after_last_change_seconds = 30),
    says: /wait_after_last_change_seconds/,
  },
  "a runner that may not read the volume": {
    kind: "pipeline",
    cloud: (cloud) => {
      cloud.store.table("unity catalog grants").delete("volume orders_base.order_tracking.order_files");
    },
    says: /may not read the volume/,
  },
  "a cluster that its policy does not allow": {
    kind: "pipeline",
    change: (stack) => void (block(load(stack), "job_cluster", "new_cluster").node_type_id = "Standard_D8ds_v5"),
    says: /Validation failed for node_type_id/,
  },
  "a runtime that there is not": {
    kind: "pipeline",
    change: (stack) => void (block(load(stack), "job_cluster", "new_cluster").spark_version = "17.2.x-scala2.13"),
    says: /spark_version/,
  },
  "a single node of the older kind": {
    kind: "pipeline",
    change: (stack) => {
      delete block(load(stack), "job_cluster", "new_cluster").kind;
    },
    says: /is_single_node|Validation failed for kind/,
  },
  "two policies of one name": {
    kind: "pipeline",
    change: (stack) => {
      add(stack, "databricks_cluster_policy", "twin", copied(stack, "databricks_cluster_policy"));
    },
    says: /already exists/,
  },
  "tasks in another order than that of their keys": {
    kind: "pipeline",
    change: (stack) => {
      load(stack).task = [...(load(stack).task as Block[])].reverse();
    },
  },
  "a task that waits for no task": {
    kind: "pipeline",
    change: (stack) => void (firstTask(stack).depends_on = [{ task_key: "nothing" }]),
    says: /depends on nothing/,
  },
  "a sweep of a job that there is not": {
    kind: "pipeline",
    change: (stack) =>
      void (block(named(stack, "databricks_job", "[base] orders_tracking_sweep"), "task", "run_job_task").job_id = 1),
    says: /Job 1 does not exist/,
  },
  "a schedule that nobody can read": {
    kind: "pipeline",
    change: (stack) =>
      void (block(named(stack, "databricks_job", "[base] orders_tracking_sweep"), "schedule").quartz_cron_expression =
        "hourly"),
    says: /quartz_cron_expression/,
  },
  "two parameters of one name": {
    kind: "pipeline",
    change: (stack) => {
      load(stack).parameter = [...(load(stack).parameter as Block[]), { name: "catalog", default: "other" }];
    },
    says: /two parameters have one name|catalog/,
  },
  "an alert in a folder that is not spelt as the service answers": {
    kind: "pipeline",
    change: (stack) => {
      const alert = first(stack, "databricks_alert_v2");
      alert.parent_path = String(alert.parent_path).replace(/^\/Workspace/, "");
    },
    says: /inconsistent result after apply.*parent_path/,
  },
  "permissions for a group that there is not": {
    kind: "pipeline",
    change: (stack) => void (block(first(stack, "databricks_permissions"), "access_control").group_name = "nobody"),
    says: /group nobody does not exist in this workspace/,
  },
  "a notebook without a notebook's first line": {
    kind: "pipeline",
    change: (_, files) => {
      for (const [file, content] of files)
        if (file.endsWith("/upkeep.py"))
          files.set(file, content.replace("# Databricks notebook source", "# A notebook"));
    },
    says: /does not start as the source/,
  },
  "a query for a warehouse that there is not": {
    kind: "pipeline",
    change: set("databricks_query", { warehouse_id: "0000000000000000" }),
    says: /SQL warehouse 0000000000000000 does not exist/,
  },
  "a query in a folder that there is not": {
    kind: "pipeline",
    change: set("databricks_query", { parent_path: "/order-tracking/elsewhere" }),
    says: /The parent folder .* does not exist/,
  },
  "an alert for a destination that there is not": {
    kind: "pipeline",
    change: (stack) =>
      void (block(first(stack, "databricks_alert_v2"), "evaluation", "notification").subscriptions = [
        { destination_id: "nobody" },
      ]),
    says: /Notification destination nobody does not exist/,
  },
  "a dashboard that is no JSON": {
    kind: "pipeline",
    change: set("databricks_dashboard", { serialized_dashboard: "pages" }),
    says: /no JSON|invalid character/,
  },
};

const providers = installProviders();
if (typeof providers === "string") console.warn(`No mutation was deployed: ${providers}`);
/** Each plan, and each wait for a role, leaves the processors alone most of the time. */
const AT_ONCE = 3;
/** Characters of what Terraform prints that hold its errors, as a failed test shows them. */
const MOST_SHOWN = 2_000;
/** For all of them, on a machine that others use as well, in milliseconds. */
const LONGEST = 3_600_000;
/** Late enough that what does not wait for something comes too early. */
const MOST_DELAY = 150;

(typeof providers === "string" || ONLY !== undefined ? describe.skip : describe)("a deployment with", () => {
  /** What there is once an environment's earlier stacks are deployed. */
  const stores = new Map<string, Promise<Store>>();
  const storeBefore = (kind: StackKind, settings: EnvironmentSettings): Promise<Store> => {
    const key = `${kind} ${JSON.stringify(settings)}`;
    const store = stores.get(key) ?? deployedBefore(kind, settings);
    stores.set(key, store);
    return store;
  };
  const deployedBefore = async (kind: StackKind, settings: EnvironmentSettings): Promise<Store> => {
    const earlier = kind === "platform" ? undefined : kind === "catalog" ? "platform" : "catalog";
    const cloud = await startPeopledCloud({
      seed: SEED,
      ...(earlier && { store: (await storeBefore(earlier, settings)).copy() }),
    });
    try {
      if (earlier === undefined) addNeighbours(cloud);
      else expect(outcome(await stackOf(cloud, settings, earlier).apply())).toBe(SUCCESS);
      return cloud.store.copy();
    } finally {
      await cloud.close();
    }
  };
  const stackOf = (cloud: Cloud, settings: EnvironmentSettings, kind: StackKind, change?: Mutation["change"]) => {
    if (typeof providers === "string") throw new Error(providers);
    return new SingleStack(cloud, providers, settings, kind, change);
  };
  /** Applies a stack, and plans it again. */
  const deployed = async ({ kind, settings, change, latestRole, cloud: prepare }: Mutation): Promise<string> => {
    const environment = { ...BASE, ...settings };
    const store = (await storeBefore(kind, environment)).copy();
    const cloud = await startPeopledCloud({
      seed: SEED,
      mostDelay: MOST_DELAY,
      store,
      ...(latestRole && { latestRole }),
    });
    try {
      prepare?.(cloud);
      const stack = stackOf(cloud, environment, kind, change);
      const applied = await stack.apply();
      if (applied.code !== 0) return applied.output;
      const { code } = await stack.plan();
      return code === 0 ? "everything as it should be" : `a plan that is never empty`;
    } finally {
      await cloud.close();
    }
  };
  const queue = Object.entries(MUTATIONS);
  const outcomes = new Map<string, string>();

  beforeAll(async () => {
    const work = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [name, mutation] = next;
        outcomes.set(name, await deployed(mutation));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }, LONGEST);

  it.each(["platform", "catalog", "pipeline"] as const)("no mistake in %s succeeds", async (kind) => {
    expect(await deployed({ kind })).toBe("everything as it should be");
  });

  it.each(Object.entries(MUTATIONS))("%s fails", (name, { says = /a plan that is never empty/ }) => {
    // Terraform breaks lines where they are long, and says what is wrong at the end.
    const words = outcomes.get(name)?.replaceAll(/\s*[│╵╷\n]\s*/g, " ");
    expect(words?.slice(-MOST_SHOWN)).toMatch(says);
  });
});
