/** What every resource of every stack must keep, one rule a promise. */
import type { TerraformResource } from "cdktf";
import type { Environment } from "../../environments/environment.ts";
import { prefixLength } from "../../environments/ip-ranges.ts";
import { NARROW_ROLES } from "../../environments/narrow-roles.ts";
import { WIDEST_PREFIX } from "../../environments/network.ts";
import { tags } from "../tags.ts";
import { STATEFUL_TYPES } from "./stateful-types.ts";

/** A block of Terraform JSON: what is not set is not there. */
export type Block = Readonly<Record<string, unknown>>;

/** One rule. Environments that are not disposable are the lasting ones: what prod must keep, staging rehearses. */
export interface Rule {
  /** What a waiver names it by. */
  readonly id: string;
  /** What is wrong with a resource that breaks it, and what to do. */
  readonly sentence: string;
  /** Which resources it is about. */
  readonly concerns: (resource: Pick<TerraformResource, "terraformResourceType">) => boolean;
  /** Whether the resource, as Terraform will read it, is as it should be in this environment. */
  readonly isKept: (resource: Block, environment: Environment) => boolean;
}

/** Whoever has an account is in these groups, whatever they work on. */
const EVERYBODY = ["account users", "users"];
/** Databricks takes the name of a group in any case. */
const isEverybody = (name: unknown): boolean => EVERYBODY.includes(String(name).toLowerCase());
/** Privileges that hold others, or the right to grant them. */
const WIDE_PRIVILEGES = /^(ALL[_ ]PRIVILEGES|MANAGE)$/i;
/** Permissions with which an object's permissions can be changed. */
const WIDE_PERMISSIONS = ["CAN_MANAGE", "IS_OWNER"];

export const RULES: readonly Rule[] = [
  // Storage
  {
    id: "no-shared-keys",
    sentence:
      "can be reached with keys that nobody can trace: set sharedAccessKeyEnabled and localUserEnabled to false",
    concerns: ofType("azurerm_storage_account"),
    isKept: (account) => account.shared_access_key_enabled === false && account.local_user_enabled === false,
  },
  {
    id: "no-public-blobs",
    sentence: "may show blobs to the whole internet: set allowNestedItemsToBePublic to false",
    concerns: ofType("azurerm_storage_account"),
    isKept: (account) => account.allow_nested_items_to_be_public === false,
  },
  {
    id: "no-public-containers",
    sentence: 'shows its blobs to the whole internet: set containerAccessType to "private"',
    concerns: ofType("azurerm_storage_container"),
    isKept: (container) => container.container_access_type === "private",
  },
  {
    id: "encrypted-in-transit",
    sentence: 'lets clients talk to it in the clear: set httpsTrafficOnlyEnabled to true and minTlsVersion to "TLS1_2"',
    concerns: ofType("azurerm_storage_account"),
    isKept: (account) =>
      account.https_traffic_only_enabled === true && ["TLS1_2", "TLS1_3"].includes(String(account.min_tls_version)),
  },
  {
    id: "closed-network",
    sentence:
      "can be reached from the whole internet, or much of it, in a lasting environment: deny what its network rules do not name and name no range wider than /16, or set publicNetworkAccessEnabled to false",
    concerns: ofType("azurerm_storage_account", "azurerm_storage_account_network_rules"),
    isKept: (resource, { disposable }) =>
      disposable ||
      resource.public_network_access_enabled === false ||
      [resource, ...blocks(resource.network_rules)].some(
        ({ default_action, ip_rules }) =>
          default_action === "Deny" && strings(ip_rules).every((range) => prefixLength(range) >= WIDEST_PREFIX),
      ),
  },
  {
    id: "no-public-nodes",
    sentence: "gives its clusters public addresses: set customParameters.noPublicIp to true",
    concerns: ofType("azurerm_databricks_workspace"),
    isKept: (workspace) => blocks(workspace.custom_parameters).some(({ no_public_ip }) => no_public_ip === true),
  },
  // Loss of data
  {
    id: "prevent-destroy",
    sentence: "holds data that a change could delete in a lasting environment: set lifecycle.preventDestroy to true",
    concerns: ofType(...STATEFUL_TYPES),
    isKept: ({ lifecycle }, { disposable }) =>
      disposable || blocks(lifecycle).some(({ prevent_destroy }) => prevent_destroy === true),
  },
  {
    id: "no-force-destroy",
    sentence: "would be deleted with all that is in it in a lasting environment: set forceDestroy to false",
    concerns: () => true,
    isKept: ({ force_destroy }, { disposable }) => disposable || force_destroy !== true,
  },
  // Rights
  {
    id: "narrow-roles",
    sentence:
      "gives an identity of the lake a role that is not known to be narrow, or does not say whose role it is: name one of NARROW_ROLES by roleDefinitionName, and set principalType to ServicePrincipal; where you add one to them, run the command identities for each environment before a workflow deploys it",
    concerns: ofType("azurerm_role_assignment"),
    isKept: ({ role_definition_name, principal_type }) =>
      Object.hasOwn(NARROW_ROLES, String(role_definition_name)) && principal_type === "ServicePrincipal",
  },
  {
    id: "narrow-grants",
    sentence:
      "grants everything, or the right to grant, or grants to everybody: name privileges one by one, and a group that was made for them; only the environment's deployer may manage an object or be an administrator",
    concerns: ofType(
      "databricks_grant",
      "databricks_grants",
      "databricks_permissions",
      "databricks_permission_assignment",
    ),
    isKept: ({ access_control, grant, permissions, ...resource }, { deployer }) => {
      const isDeployer = ({ service_principal_name }: Block) =>
        deployer !== undefined && service_principal_name === deployer;
      return (
        [resource, ...blocks(grant), ...blocks(access_control)].every(
          ({ principal, group_name }) => ![principal, group_name].some(isEverybody),
        ) &&
        [resource, ...blocks(grant)]
          .flatMap(({ privileges }) => strings(privileges))
          .every((each) => !WIDE_PRIVILEGES.test(each)) &&
        (isDeployer(resource) || strings(permissions).every((each) => each === "USER")) &&
        blocks(access_control).every(
          (entry) => isDeployer(entry) || !WIDE_PERMISSIONS.includes(String(entry.permission_level)),
        )
      );
    },
  },
  {
    id: "narrow-ownership",
    sentence:
      "belongs to everybody, who may then grant and delete it: set the environment's ownerGroup to a group that was made for it",
    concerns: ({ terraformResourceType }) => terraformResourceType.startsWith("databricks_"),
    isKept: ({ owner }) => !isEverybody(owner),
  },
  {
    id: "no-lent-rights",
    sentence: "shows whoever may see it what its publisher may query: set embedCredentials to false",
    concerns: ofType("databricks_dashboard"),
    isKept: ({ embed_credentials }) => embed_credentials === false,
  },
  {
    id: "isolated",
    sentence: "can be used from every workspace of the metastore: set isolationMode to isolated",
    concerns: ofType("databricks_catalog", "databricks_external_location", "databricks_storage_credential"),
    isKept: ({ isolation_mode }) => isolation_mode === "ISOLATED" || isolation_mode === "ISOLATION_MODE_ISOLATED",
  },
  {
    id: "checked-storage",
    sentence: "hides that storage cannot be reached in a lasting environment: leave skipValidation and fallback unset",
    concerns: ofType("databricks_external_location", "databricks_storage_credential"),
    isKept: ({ skip_validation, fallback }, { disposable }) =>
      disposable || (skip_validation !== true && fallback !== true),
  },
  // Jobs and what they run on
  {
    id: "run-as-service-principal",
    sentence: "runs with the rights of whoever deployed it in a lasting environment: set the environment's runAs",
    concerns: ofType("databricks_job", "databricks_alert_v2"),
    isKept: ({ run_as }, { disposable }) =>
      disposable || blocks(run_as).some(({ service_principal_name }) => service_principal_name !== undefined),
  },
  {
    id: "failure-is-told",
    sentence: "fails without anybody hearing of it in a lasting environment: say who is notified of failures",
    concerns: ofType("databricks_job"),
    isKept: ({ email_notifications, webhook_notifications, task }, { disposable }) =>
      disposable ||
      // Fails as the jobs that it starts, which tell of it.
      (blocks(task).length > 0 && blocks(task).every(({ run_job_task }) => run_job_task !== undefined)) ||
      [...blocks(email_notifications), ...blocks(webhook_notifications)].some(
        ({ on_failure }) => Array.isArray(on_failure) && on_failure.length > 0,
      ),
  },
  {
    id: "quiet-sandbox",
    sentence: "starts by itself in a sandbox, which nobody watches: set the environment's triggerPaused to true",
    concerns: ofType("databricks_job", "databricks_alert_v2"),
    isKept: ({ trigger, schedule, continuous }, { expiresOn }) =>
      expiresOn === undefined ||
      [trigger, schedule, continuous].flatMap(blocks).every(({ pause_status }) => pause_status === "PAUSED"),
  },
  {
    id: "auto-termination",
    sentence: "costs money while nobody uses it: set autoterminationMinutes, or autoStopMins, to 10-60",
    concerns: ofType("databricks_cluster", "databricks_sql_endpoint"),
    isKept: ({ autotermination_minutes, auto_stop_mins }) => {
      const minutes = Number(autotermination_minutes ?? auto_stop_mins);
      return minutes >= 10 && minutes <= 60;
    },
  },
  {
    id: "governed-compute",
    sentence:
      "runs code past the grants of Unity Catalog: set dataSecurityMode of each cluster to USER_ISOLATION or SINGLE_USER",
    concerns: ofType("databricks_cluster", "databricks_job"),
    isKept: (resource) =>
      clusters(resource).every(({ data_security_mode }) =>
        ["USER_ISOLATION", "SINGLE_USER"].includes(String(data_security_mode)),
      ),
  },
  // Costs
  {
    id: "tagged",
    sentence: "lacks tags that tell whose it is and who pays: give it and each of its clusters tags(environment)",
    concerns: (resource) =>
      ofType("databricks_cluster", "databricks_job", "databricks_sql_endpoint")(resource) ||
      isTaggableInAzure(resource),
    isKept: (resource, environment) => {
      const carriers = [
        ...(isCluster(resource) ? [] : [customTags(resource.tags) ?? resource.tags]),
        ...clusters(resource).map(({ custom_tags }) => custom_tags),
      ];
      return carriers.every((carried) =>
        Object.entries(tags(environment)).every(([key, value]) => blocks(carried).some((each) => each[key] === value)),
      );
    },
  },
];

function ofType(...types: readonly string[]): Rule["concerns"] {
  return ({ terraformResourceType }) => types.includes(terraformResourceType);
}

/** The bindings know which of Azure's resources can have tags. */
function isTaggableInAzure(resource: Pick<TerraformResource, "terraformResourceType">): boolean {
  return resource.terraformResourceType.startsWith("azurerm_") && "tagsInput" in resource;
}

/** A block that may be repeated is a list, one that may not is an object. */
function blocks(value: unknown): readonly Block[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : [value]) as readonly Block[];
}

function strings(value: unknown): readonly string[] {
  return blocks(value).map(String);
}

/** The tags of a SQL warehouse, which lists them, as others have them. */
function customTags(value: unknown): Block | undefined {
  const lists = blocks(value).filter(({ custom_tags }) => Array.isArray(custom_tags));
  if (lists.length === 0) return undefined;
  return Object.fromEntries(
    lists.flatMap(({ custom_tags }) => blocks(custom_tags).map(({ key, value: tag }) => [String(key), tag])),
  );
}

const isCluster = (resource: Block): boolean => resource.spark_version !== undefined;

/** A cluster itself, or the clusters that a job makes for its runs. */
function clusters(resource: Block): readonly Block[] {
  if (isCluster(resource)) return [resource];
  return [...blocks(resource.job_cluster), ...blocks(resource.task)].flatMap(({ new_cluster }) => blocks(new_cluster));
}
