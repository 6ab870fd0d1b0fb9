/** Each rule on blocks of Terraform JSON that keep it, and on such that break it. */
import type { TerraformResource } from "cdktf";
import { resolveEnvironment } from "../../../environments/environment.ts";
import { sandbox } from "../../../environments/sandbox.ts";
import { type Block, type Rule, RULES } from "../../../stacks/guard-rails/rules.ts";
import { tags } from "../../../stacks/tags.ts";
import { MINIMAL } from "../../synthesized.ts";

const DEPLOYER = "88888888-7777-6666-5555-444444444444";
const LASTING = resolveEnvironment({ ...MINIMAL, deployer: DEPLOYER }, {});
const DISPOSABLE = resolveEnvironment({ ...MINIMAL, disposable: true }, {});
const SANDBOX = resolveEnvironment(sandbox({ owner: "anna", branch: "main", expiresOn: "2026-12-24" }), {});
const TAGS = tags(LASTING);
const UNTAGGED = { ...TAGS, owner: undefined };

interface Case {
  readonly type: string;
  readonly kept: readonly Block[];
  readonly broken: readonly Block[];
  /** By default a lasting one, where every rule holds. */
  readonly environment?: typeof LASTING;
}

const account = (block: Block): Block => ({ shared_access_key_enabled: false, local_user_enabled: false, ...block });
const tls = (block: Block): Block => ({ https_traffic_only_enabled: true, min_tls_version: "TLS1_2", ...block });
const role = (block: Block): Block => ({
  role_definition_name: "Storage Blob Data Contributor",
  principal_type: "ServicePrincipal",
  ...block,
});
const grant = (principal: string, ...privileges: string[]): Block => ({ grant: [{ principal, privileges }] });

/** Tags as those of a SQL warehouse. */
const listed = (carried: Readonly<Record<string, string>>) =>
  Object.entries(carried).map(([key, value]) => ({ key, value }));

// What is not set is what the provider makes of it, which is never the safe side.
const CASES: Readonly<Record<string, Case>> = {
  "no-shared-keys": {
    type: "azurerm_storage_account",
    kept: [account({})],
    broken: [{}, account({ shared_access_key_enabled: true }), account({ local_user_enabled: true })],
  },
  "no-public-blobs": {
    type: "azurerm_storage_account",
    kept: [{ allow_nested_items_to_be_public: false }],
    broken: [{}, { allow_nested_items_to_be_public: true }],
  },
  "no-public-containers": {
    type: "azurerm_storage_container",
    kept: [{ container_access_type: "private" }],
    broken: [{}, { container_access_type: "blob" }],
  },
  "encrypted-in-transit": {
    type: "azurerm_storage_account",
    kept: [tls({}), tls({ min_tls_version: "TLS1_3" })],
    broken: [{}, tls({ min_tls_version: "TLS1_1" }), tls({ https_traffic_only_enabled: false })],
  },
  "closed-network": {
    type: "azurerm_storage_account",
    kept: [
      { public_network_access_enabled: false },
      { network_rules: { default_action: "Deny" } },
      { network_rules: [{ default_action: "Deny" }] },
      { network_rules: { default_action: "Deny", ip_rules: ["20.1.2.3", "20.2.0.0/16"] } },
      { default_action: "Deny", ip_rules: ["20.1.2.3"] },
    ],
    broken: [
      {},
      { public_network_access_enabled: true },
      { network_rules: { default_action: "Allow" } },
      { network_rules: { default_action: "Deny", ip_rules: ["0.0.0.0/1", "128.0.0.0/1"] } },
      { network_rules: { default_action: "Deny", ip_rules: ["20.1.2.3", "20.0.0.0/15"] } },
      { default_action: "Allow" },
      { default_action: "Deny", ip_rules: ["20.0.0.0/15"] },
    ],
  },
  "no-public-nodes": {
    type: "azurerm_databricks_workspace",
    kept: [{ custom_parameters: { no_public_ip: true } }],
    broken: [{}, { custom_parameters: { no_public_ip: false } }],
  },
  "prevent-destroy": {
    type: "databricks_schema",
    kept: [{ lifecycle: { prevent_destroy: true } }],
    broken: [{}, { lifecycle: { prevent_destroy: false } }],
  },
  "no-force-destroy": {
    type: "databricks_catalog",
    kept: [{}, { force_destroy: false }],
    broken: [{ force_destroy: true }],
  },
  "narrow-roles": {
    type: "azurerm_role_assignment",
    kept: [role({})],
    broken: [
      role({ role_definition_name: "Owner" }),
      role({ role_definition_name: "User Access Administrator" }),
      role({ role_definition_name: "Storage Blob Data Owner" }),
      role({ role_definition_name: "Storage Blob Data Contributor (Preview)" }),
      role({ role_definition_name: undefined, role_definition_id: "/roleDefinitions/8e3af657" }),
      role({ principal_type: undefined }),
      role({ principal_type: "User" }),
    ],
  },
  "narrow-grants": {
    type: "databricks_grants",
    kept: [
      grant("order-tracking-analysts", "USE_CATALOG", "SELECT"),
      { principal: "order-tracking-analysts", privileges: ["SELECT"] },
      { access_control: [{ user_name: "anna" }] },
      { access_control: [{ group_name: "order-tracking-operators", permission_level: "CAN_MANAGE_RUN" }] },
      { access_control: [{ service_principal_name: DEPLOYER, permission_level: "IS_OWNER" }] },
      { group_name: "order-tracking-analysts", permissions: ["USER"] },
      { service_principal_name: DEPLOYER, permissions: ["ADMIN"] },
    ],
    broken: [
      grant("order-tracking-analysts", "ALL_PRIVILEGES"),
      grant("order-tracking-analysts", "SELECT", "ALL PRIVILEGES"),
      grant("account users", "SELECT"),
      grant("Account Users", "SELECT"),
      grant("order-tracking-analysts", "MANAGE"),
      { principal: "order-tracking-analysts", privileges: ["SELECT", "ALL_PRIVILEGES"] },
      { principal: "account users", privileges: ["SELECT"] },
      { access_control: [{ group_name: "order-tracking-operators", permission_level: "CAN_MANAGE" }] },
      { access_control: [{ group_name: "users" }] },
      { access_control: [{ group_name: "Users" }] },
      { group_name: "account users", permissions: ["USER"] },
      { group_name: "order-tracking-analysts", permissions: ["ADMIN"] },
      { service_principal_name: "11111111-2222-3333-4444-555555555555", permissions: ["ADMIN"] },
    ],
  },
  "narrow-ownership": {
    type: "databricks_catalog",
    kept: [{}, { owner: "order-tracking-owners" }],
    broken: [{ owner: "account users" }, { owner: "Account Users" }, { owner: "users" }],
  },
  "no-lent-rights": {
    type: "databricks_dashboard",
    kept: [{ embed_credentials: false }],
    broken: [{}, { embed_credentials: true }],
  },
  isolated: {
    type: "databricks_external_location",
    kept: [{ isolation_mode: "ISOLATED" }, { isolation_mode: "ISOLATION_MODE_ISOLATED" }],
    broken: [{}, { isolation_mode: "OPEN" }, { isolation_mode: "ISOLATION_MODE_OPEN" }],
  },
  "checked-storage": {
    type: "databricks_storage_credential",
    kept: [{}, { skip_validation: false }],
    broken: [{ skip_validation: true }, { fallback: true }],
  },
  "run-as-service-principal": {
    type: "databricks_job",
    kept: [{ run_as: { service_principal_name: "11111111-2222-3333-4444-555555555555" } }],
    broken: [{}, { run_as: { user_name: "anna@example.com" } }],
  },
  "failure-is-told": {
    type: "databricks_job",
    kept: [
      { email_notifications: { on_failure: ["team@example.com"] } },
      { webhook_notifications: { on_failure: [{ id: "1" }] } },
      { task: [{ run_job_task: { job_id: 1 } }] },
    ],
    broken: [
      {},
      { task: [{ run_job_task: { job_id: 1 } }, {}] },
      { email_notifications: { on_failure: [] } },
      { email_notifications: { on_success: ["a@b.com"] } },
    ],
  },
  "quiet-sandbox": {
    type: "databricks_job",
    environment: SANDBOX,
    kept: [{}, { trigger: { pause_status: "PAUSED" } }, { schedule: [{ pause_status: "PAUSED" }] }],
    broken: [{ trigger: { pause_status: "UNPAUSED" } }, { schedule: {} }, { continuous: { pause_status: "UNPAUSED" } }],
  },
  "auto-termination": {
    type: "databricks_cluster",
    kept: [{ autotermination_minutes: 10 }, { autotermination_minutes: 60 }, { auto_stop_mins: 10 }],
    broken: [{}, { autotermination_minutes: 0 }, { autotermination_minutes: 61 }, { auto_stop_mins: 0 }],
  },
  "governed-compute": {
    type: "databricks_job",
    kept: [
      {},
      { task: [{ task_key: "on serverless" }] },
      { job_cluster: [{ new_cluster: { spark_version: "17.3", data_security_mode: "USER_ISOLATION" } }] },
    ],
    broken: [
      { spark_version: "17.3" },
      { job_cluster: [{ new_cluster: { spark_version: "17.3", data_security_mode: "NONE" } }] },
      { task: [{ new_cluster: [{ spark_version: "17.3" }] }] },
    ],
  },
  tagged: {
    type: "databricks_job",
    kept: [
      { tags: TAGS },
      { tags: { ...TAGS, more: "than it must" } },
      { tags: TAGS, job_cluster: [{ new_cluster: { spark_version: "17.3", custom_tags: TAGS } }] },
      { spark_version: "17.3", custom_tags: TAGS },
      { tags: { custom_tags: listed(TAGS) } },
    ],
    broken: [
      {},
      { tags: UNTAGGED },
      { tags: TAGS, job_cluster: [{ new_cluster: { spark_version: "17.3", custom_tags: UNTAGGED } }] },
      { spark_version: "17.3" },
      { tags: { custom_tags: listed(TAGS).slice(1) } },
    ],
  },
};

/** As much of a resource as rules look at to tell whether they are about it. */
const resource = (type: string, members: object = {}) =>
  ({ terraformResourceType: type, ...members }) as unknown as TerraformResource;

function ruleOf(wanted: string): Rule {
  const rule = RULES.find(({ id }) => id === wanted);
  if (!rule) throw new Error(`there is no rule ${wanted}`);
  return rule;
}

const shown = (block: Block) => [JSON.stringify(block), block] as const;

it("has a case for each rule", () => {
  expect(Object.keys(CASES)).toEqual(RULES.map(({ id }) => id));
});

describe.each(Object.entries(CASES))("%s", (id, { type, kept, broken, environment = LASTING }) => {
  const { concerns, isKept } = ruleOf(id);

  it("is about the type", () => {
    expect(concerns(resource(type))).toBe(true);
  });

  it.each(kept.map(shown))("is kept by %s", (__, block) => {
    expect(isKept(block, environment)).toBe(true);
  });

  it.each(broken.map(shown))("fails on %s", (__, block) => {
    expect(isKept(block, environment)).toBe(false);
  });
});

it("allows a disposable environment what is only asked of lasting ones", () => {
  const isAllowed = ({ isKept, id }: Rule) => CASES[id]?.broken.every((block) => isKept(block, DISPOSABLE)) ?? false;

  expect(RULES.filter(isAllowed).map(({ id }) => id)).toEqual([
    "closed-network",
    "prevent-destroy",
    "no-force-destroy",
    "checked-storage",
    "run-as-service-principal",
    "failure-is-told",
    "quiet-sandbox",
  ]);
});

it.each([
  ["closed-network", "azurerm_storage_account_network_rules"],
  ["narrow-grants", "databricks_grant"],
  ["narrow-grants", "databricks_permissions"],
  ["narrow-grants", "databricks_permission_assignment"],
  ["narrow-ownership", "databricks_storage_credential"],
  ["narrow-ownership", "databricks_volume"],
])("%s is about %s as well", (id, type) => {
  expect(ruleOf(id).concerns(resource(type))).toBe(true);
});

it("asks for tags of whatever can have them in Azure", () => {
  const { concerns } = ruleOf("tagged");
  const inAzure = (type: string, members: object) => concerns(resource(type, members));

  expect(inAzure("azurerm_nat_gateway", { tagsInput: undefined })).toBe(true);
  expect(inAzure("azurerm_role_assignment", {})).toBe(false);
  // A list of words that are shown beside a query, not tags of its cost.
  expect(inAzure("databricks_query", { tagsInput: undefined })).toBe(false);
});
