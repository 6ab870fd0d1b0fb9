import type { Directory } from "@cdktf/provider-databricks/lib/directory/index.js";
import { Permissions, type PermissionsConfig } from "@cdktf/provider-databricks/lib/permissions/index.js";
import { Construct } from "constructs";
import type { Environment } from "../../environments/environment.ts";
import { isServicePrincipal, membersOf, type Persona } from "../personas.ts";
import type { JobCompute } from "./job-compute.ts";
import type { OrderJob } from "./order-job.ts";
import type { OrderReports } from "./order-reports.ts";
import type { OrderWarehouse } from "./order-warehouse.ts";

/** Who is not named may not even see an object; administrators and whoever deploys may do anything. */
type Levels = Readonly<Partial<Record<Persona, string>>>;

/** Operators start and watch runs, the sweep starts the load job. */
const ON_JOB: Levels = { operators: "CAN_MANAGE_RUN", runner: "CAN_MANAGE_RUN", deployer: "IS_OWNER" };
/** Operators run notebooks such as `trace` on it, with their own rights; a run starts it. A cluster has no owner. */
const ON_CLUSTER: Levels = { operators: "CAN_ATTACH_TO", runner: "CAN_RESTART", deployer: "CAN_MANAGE" };
/** Runs create their clusters with it. */
const ON_POLICY: Levels = { runner: "CAN_USE" };
/** Operators look up what ran, and run `trace` with their own rights; a run reads its notebooks and their package. */
const ON_FOLDER: Levels = { operators: "CAN_RUN", runner: "CAN_READ" };
const ON_REPORTS: Levels = { analysts: "CAN_RUN", operators: "CAN_RUN" };

/** To run a query takes the warehouse as well. One of somebody else is not ours to permit. */
const ON_WAREHOUSE: Levels = { analysts: "CAN_USE", operators: "CAN_USE", runner: "CAN_USE", deployer: "IS_OWNER" };

/** Properties for {@link PersonaPermissions}. */
export interface PersonaPermissionsProps {
  readonly environment: Environment;
  readonly jobs: Readonly<Record<string, OrderJob>>;
  readonly compute: JobCompute;
  /** The environment's folder of the workspace. */
  readonly workspaceFolder: Directory;
  /** Where there are reports. */
  readonly warehouse?: OrderWarehouse;
  readonly reports?: OrderReports;
}

/**
 * What the environment's personas may do in the workspace.
 *
 * One resource for each object, since each owns all permissions of its object. A job has exactly one owner, never a
 * group: where the environment names no deployer, the provider names whoever deploys, and leaves that out of what it
 * reads only while they plan. To everybody else it is a right that somebody added.
 */
export class PersonaPermissions extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { environment, jobs, compute, workspaceFolder, warehouse, reports }: PersonaPermissionsProps,
  ) {
    super(scope, id);
    const permit = (objectId: string, object: Omit<PermissionsConfig, "accessControl">, levels: Levels): void => {
      const accessControl = byPrincipal(environment, levels);
      if (accessControl.length > 0) new Permissions(this, objectId, { ...object, accessControl });
    };
    for (const [jobId, { job }] of Object.entries(jobs)) permit(jobId, { jobId: job.id }, ON_JOB);
    if (compute.cluster) permit("cluster", { clusterId: compute.cluster.id }, ON_CLUSTER);
    if (compute.policy) permit("policy", { clusterPolicyId: compute.policy.id }, ON_POLICY);
    permit("notebooks", { directoryPath: workspaceFolder.path }, ON_FOLDER);
    if (warehouse?.created) permit("warehouse", { sqlEndpointId: warehouse.created.id }, ON_WAREHOUSE);
    if (reports) permit("reports", { directoryPath: reports.folder.path }, ON_REPORTS);
  }
}

/** One entry for each principal; groups of several personas are named once, as no object has two levels for groups. */
function byPrincipal(environment: Environment, levels: Levels) {
  const permitted = new Map(
    (Object.entries(levels) as [Persona, string][]).flatMap(([persona, permissionLevel]) =>
      membersOf(persona, environment).map((principal) => [
        principal,
        { [isServicePrincipal(persona) ? "servicePrincipalName" : "groupName"]: principal, permissionLevel },
      ]),
    ),
  );
  return [...permitted.values()];
}
