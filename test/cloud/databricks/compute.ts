/** Cluster policies and clusters. */
import { z } from "zod";
import { bodyOf, fields, Refusal, reply, type Route } from "../http.ts";
import { invalid, notFound, type Workspace, type Workspaces } from "./workspace.ts";

export interface ClusterPolicy {
  readonly policy_id: string;
  readonly name: string;
  readonly definition: string;
  readonly [field: string]: unknown;
}

export interface Cluster {
  readonly cluster_id: string;
  readonly state: "RUNNING" | "TERMINATED";
  readonly [field: string]: unknown;
}

const policyBody = z.strictObject({
  name: z.string().min(1).max(100),
  definition: z.string().refine(isObject, { error: "no JSON object" }),
  description: z.string().optional(),
  max_clusters_per_user: z.int().optional(),
});

function isObject(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "object";
  } catch {
    return false;
  }
}

// The releases and machines that a cluster may name; the newest ones with long support.
const RELEASES = ["16.4.x-scala2.12", "16.4.x-scala2.13", "17.3.x-scala2.13", "18.2.x-scala2.13"];
const MACHINES = ["Standard_D4ds_v5", "Standard_D8ds_v5", "Standard_E4ds_v5", "Standard_DS3_v2"];

/** What a cluster is to be, for a cluster that stays or one that a job brings along. */
export const clusterSpec = fields(
  "azure_attributes spark_conf spark_env_vars enable_elastic_disk runtime_engine",
).extend({
  cluster_name: z.string().optional(),
  spark_version: z.enum(RELEASES),
  node_type_id: z.enum(MACHINES),
  driver_node_type_id: z.string().optional(),
  kind: z.literal("CLASSIC_PREVIEW").optional(),
  is_single_node: z.boolean().optional(),
  data_security_mode: z
    .enum([
      "SINGLE_USER",
      "USER_ISOLATION",
      "DATA_SECURITY_MODE_STANDARD",
      "DATA_SECURITY_MODE_DEDICATED",
      "DATA_SECURITY_MODE_AUTO",
    ])
    .optional(),
  single_user_name: z.string().optional(),
  custom_tags: z.record(z.string(), z.string().regex(/^[\w\s+=.:/@-]{0,256}$/)).optional(),
  autotermination_minutes: z.int().min(0).max(10_000).optional(),
  num_workers: z.int().min(0).optional(),
  policy_id: z.string().optional(),
  apply_policy_default_values: z.boolean().optional(),
});
export type ClusterSpec = z.output<typeof clusterSpec>;

const clusterChange = clusterSpec.extend({ cluster_id: z.string() });

export const policiesOf = (workspace: Workspace) => workspace.table<ClusterPolicy>("cluster policies");
export const clustersOf = (workspace: Workspace) => workspace.table<Cluster>("clusters");
/** By the clusters' ids: no answer about a cluster tells whether it is pinned, only a list of those that are. */
const pinsOf = (workspace: Workspace) => workspace.table<true>("pinned clusters");

/**
 * Holds a cluster to its policy, and to what single nodes and access modes can be.
 *
 * @throws Refusal
 */
export function checkCluster(workspace: Workspace, spec: ClusterSpec, type: "all-purpose" | "job"): void {
  if (spec.is_single_node === true && spec.kind !== "CLASSIC_PREVIEW") {
    throw invalid("is_single_node can only be used with kind = CLASSIC_PREVIEW");
  }
  if (spec.is_single_node === true && (spec.num_workers ?? 0) > 0) throw invalid("a single node has no workers");
  if (type === "job" && (spec.autotermination_minutes ?? 0) > 0) {
    throw invalid("a job cluster ends with its run: autotermination_minutes cannot be set");
  }
  if (spec.is_single_node !== true && (spec.num_workers ?? 0) === 0) throw invalid("a cluster needs workers");
  if (spec.policy_id === undefined) return;
  const policy = policiesOf(workspace).get(spec.policy_id);
  if (!policy) throw notFound(`Policy ${spec.policy_id}`);
  const rules = JSON.parse(policy.definition) as Readonly<Record<string, PolicyRule>>;
  for (const [path, rule] of Object.entries(rules)) {
    const value = path === "cluster_type" ? type : valueAt(spec, path);
    if (!allows(rule, value)) {
      throw invalid(`Validation failed for ${path}: ${String(value)} is not what the policy ${policy.name} says`);
    }
  }
}

interface PolicyRule {
  readonly type: string;
  readonly value?: unknown;
  readonly minValue?: number;
  readonly maxValue?: number;
}

function allows(rule: PolicyRule, value: unknown): boolean {
  if (rule.type === "fixed") return value === rule.value;
  if (rule.type === "range") {
    return typeof value === "number" && value >= (rule.minValue ?? value) && value <= (rule.maxValue ?? value);
  }
  return rule.type !== "forbidden" || value === undefined;
}

function valueAt(spec: object, path: string): unknown {
  const [field = "", ...rest] = path.split(".");
  const value = (spec as Readonly<Record<string, unknown>>)[field];
  return rest.length === 0 ? value : (value as Readonly<Record<string, unknown>> | undefined)?.[rest.join(".")];
}

export function computeRoutes(workspaces: Workspaces): readonly Route[] {
  const policies = "/api/2.0/policies/clusters";
  const policy = (workspace: Workspace, id: string) => {
    const found = policiesOf(workspace).get(id);
    if (!found) throw notFound(`Policy ${id}`);
    return found;
  };
  const cluster = (workspace: Workspace, id: string) => {
    const found = clustersOf(workspace).get(id);
    if (!found) throw new Refusal(400, "INVALID_PARAMETER_VALUE", `Cluster ${id} does not exist`);
    return found;
  };
  const clusterRoutes = (api: string) =>
    workspaces.routes({
      [`POST ${api}/create`]: (workspace, call, caller) => {
        const spec = bodyOf(call, clusterSpec);
        checkCluster(workspace, spec, "all-purpose");
        const cluster_id = `1124-0${workspace.nextNumber("cluster")}-standin`;
        clustersOf(workspace).set(cluster_id, {
          ...filled(spec),
          cluster_id,
          state: "RUNNING",
          creator_user_name: caller.name,
        });
        return reply(200, { cluster_id });
      },
      [`GET ${api}/get`]: (workspace, { query }) => reply(200, cluster(workspace, query.get("cluster_id") ?? "")),
      [`GET ${api}/list`]: (workspace, { query }) => {
        const clusters = clustersOf(workspace).values();
        if (query.get("filter_by.is_pinned") !== "true") return reply(200, { clusters });
        return reply(200, { clusters: clusters.filter(({ cluster_id }) => pinsOf(workspace).has(cluster_id)) });
      },
      [`POST ${api}/edit`]: (workspace, call) => {
        const { cluster_id, ...spec } = bodyOf(call, clusterChange);
        const before = cluster(workspace, cluster_id);
        checkCluster(workspace, spec, "all-purpose");
        clustersOf(workspace).set(cluster_id, {
          ...filled(spec),
          cluster_id,
          state: before.state,
          creator_user_name: before.creator_user_name,
        });
        return reply(200, {});
      },
      [`POST ${api}/start`]: (workspace, call) => {
        const { cluster_id } = bodyOf(call, z.strictObject({ cluster_id: z.string() }));
        clustersOf(workspace).set(cluster_id, { ...cluster(workspace, cluster_id), state: "RUNNING" });
        return reply(200, {});
      },
      [`POST ${api}/pin`]: (workspace, call) => {
        const { cluster_id } = bodyOf(call, z.strictObject({ cluster_id: z.string() }));
        cluster(workspace, cluster_id);
        pinsOf(workspace).set(cluster_id, true);
        return reply(200, {});
      },
      [`POST ${api}/unpin`]: (workspace, call) => {
        const { cluster_id } = bodyOf(call, z.strictObject({ cluster_id: z.string() }));
        cluster(workspace, cluster_id);
        pinsOf(workspace).delete(cluster_id);
        return reply(200, {});
      },
      [`POST ${api}/permanent-delete`]: (workspace, call) => {
        const { cluster_id } = bodyOf(call, z.strictObject({ cluster_id: z.string() }));
        cluster(workspace, cluster_id);
        if (pinsOf(workspace).has(cluster_id)) {
          throw new Refusal(400, "INVALID_STATE", `Cluster ${cluster_id} is pinned: unpin the cluster first`);
        }
        clustersOf(workspace).delete(cluster_id);
        return reply(200, {});
      },
    });
  return [
    ...clusterRoutes("/api/2.1/clusters"),
    ...workspaces.routes({
      [`POST ${policies}/create`]: (workspace, call, caller) => {
        const body = bodyOf(call, policyBody);
        refuseTwin(workspace, body.name);
        const policy_id = `0F1A0000${workspace.nextNumber("policy").toString(16).toUpperCase().padStart(8, "0")}`;
        policiesOf(workspace).set(policy_id, { ...body, policy_id, creator_user_name: caller.name, is_default: false });
        return reply(200, { policy_id });
      },
      [`GET ${policies}/get`]: (workspace, { query }) => reply(200, policy(workspace, query.get("policy_id") ?? "")),
      [`GET ${policies}/list`]: (workspace) => reply(200, { policies: policiesOf(workspace).values() }),
      [`POST ${policies}/edit`]: (workspace, call) => {
        const { policy_id, ...body } = bodyOf(call, policyBody.extend({ policy_id: z.string() }));
        const before = policy(workspace, policy_id);
        if (body.name !== before.name) refuseTwin(workspace, body.name);
        policiesOf(workspace).set(policy_id, {
          ...body,
          policy_id,
          creator_user_name: before.creator_user_name,
          is_default: false,
        });
        return reply(200, {});
      },
      [`POST ${policies}/delete`]: (workspace, call) => {
        const { policy_id } = bodyOf(call, z.strictObject({ policy_id: z.string() }));
        policy(workspace, policy_id);
        const user = clustersOf(workspace)
          .values()
          .find((each) => each.policy_id === policy_id);
        if (user)
          throw new Refusal(400, "INVALID_STATE", `the cluster ${user.cluster_id} obeys the policy ${policy_id}`);
        policiesOf(workspace).delete(policy_id);
        return reply(200, {});
      },
    }),
  ];
}

function refuseTwin(workspace: Workspace, name: string): void {
  const twin = policiesOf(workspace)
    .values()
    .find((each) => each.name === name);
  if (twin) throw new Refusal(400, "INVALID_PARAMETER_VALUE", `Policy with name ${name} already exists`);
}

/** What the service says of a cluster beyond what it was asked for. */
const filled = (spec: ClusterSpec) => ({
  ...spec,
  // It spells out what makes a single node.
  ...(spec.is_single_node === true && {
    custom_tags: { ...spec.custom_tags, ResourceClass: "SingleNode" },
    spark_conf: {
      ...(spec.spark_conf as object | undefined),
      "spark.databricks.cluster.profile": "singleNode",
      "spark.master": "local[*, 4]",
    },
  }),
  driver_node_type_id: spec.driver_node_type_id ?? spec.node_type_id,
  azure_attributes: { availability: "ON_DEMAND_AZURE", first_on_demand: 1, spot_bid_max_price: -1 },
  enable_elastic_disk: true,
  enable_local_disk_encryption: false,
  default_tags: { Vendor: "Databricks", ClusterName: spec.cluster_name ?? "" },
  cluster_source: "API",
});
