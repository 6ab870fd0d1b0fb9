import { resolveEnvironment } from "../../environments/environment.ts";
import { MINIMAL, resourceId, SUBSCRIPTION_ID } from "../synthesized.ts";

const resolve = (settings: object) => resolveEnvironment({ ...MINIMAL, ...settings }, {});
const SOME_ID = "99999999-8888-7777-6666-555555555555";
const letters = (count: number) => "a".repeat(count);

it("fills in the defaults", () => {
  expect(resolveEnvironment(MINIMAL, {})).toEqual({
    ...MINIMAL,
    disposable: false,
    storageReplication: "LRS",
    fileEvents: false,
    compute: "job-cluster",
    triggerPaused: false,
    minTimeBetweenTriggersSeconds: 60,
    waitAfterLastChangeSeconds: 60,
    newColumns: "ignore",
    cutRows: "load",
    maxBadRowsPercent: 50,
    maxQuarantinedPercent: 20,
    maxRejectedFiles: 0,
    retentionDays: 30,
    archiveCoolAfterDays: 30,
    notifications: { emails: [], create: [], existing: [] },
    loaders: [],
    analysts: [],
    operators: [],
    waivers: [],
  });
});

it("takes the subscription's id from the variable that the environment names", () => {
  const variables = { TINY_SUBSCRIPTION_ID: SUBSCRIPTION_ID, OTHER: "x" };

  expect(resolveEnvironment(MINIMAL, variables).subscriptionId).toBe(SUBSCRIPTION_ID);
});

it("treats an empty variable as missing", () => {
  expect(resolveEnvironment(MINIMAL, { TINY_SUBSCRIPTION_ID: "" })).not.toHaveProperty("subscriptionId");
});

it("fails on a subscription's id that is none, and says where it came from", () => {
  expect(() => resolveEnvironment(MINIMAL, { TINY_SUBSCRIPTION_ID: "my-subscription" })).toThrow(
    'subscriptionId is "my-subscription": it must be a GUID, as in the variable that subscriptionIdVariable names',
  );
});

it("fails with the environment's name, the field, the value and the rule", () => {
  expect(() => resolve({ storageAccount: "Orders_Dev" })).toThrow(
    'environment "tiny" cannot be used:\n' +
      '  storageAccount is "Orders_Dev": it must be 3-24 lower-case letters and digits (Azure storage account)',
  );
});

it("fails with all that is wrong, not only the first", () => {
  expect(() => resolve({ owner: "", triggerPaused: "yes" })).toThrow(/owner is "".*\n.*triggerPaused is "yes"/);
});

const LOWER = "abcdefab-8888-4777-8666-555555555555";
const UPPER = LOWER.toUpperCase();

it("fails on jobs that would run as who deploys, in whichever spelling", () => {
  expect(() => resolve({ runAs: SOME_ID, deployer: SOME_ID })).toThrow(
    `deployer is "${SOME_ID}": it must be another service principal than runAs, which may do less`,
  );
  expect(() => resolve({ runAs: LOWER, deployer: UPPER })).toThrow("another service principal than runAs");
});

it("spells ids as the services return them, so that no plan replaces what they name", () => {
  const notifications = { existing: [UPPER] };

  expect(resolve({ runAs: UPPER, notifications })).toMatchObject({
    runAs: LOWER,
    notifications: { existing: [LOWER] },
  });
  expect(resolve({ deployer: UPPER })).toMatchObject({ deployer: LOWER });
});

it.each(["loaders", "analysts", "operators"])("fails on %s that own everything, in whichever spelling", (persona) => {
  expect(() => resolve({ ownerGroup: "Our Team", [persona]: ["others", "our team"] })).toThrow(
    'ownerGroup is "Our Team": it must be another group than those of loaders, analysts and operators, who may do less',
  );
});

it.each([{}, { storageAccount: "ordertracktiny" }])("fails on a state within the lake that it tells of: %j", (lake) => {
  const storageAccount = "storageAccount" in lake ? lake.storageAccount : "ordertrackingtiny";

  expect(() => resolve({ ...lake, ...inState({ storageAccount }) })).toThrow(
    `stateContainer.storageAccount is "${storageAccount}": it must be another storage account than the lake's`,
  );
});

it("fails on the name that stands for any sandbox", () => {
  expect(() => resolve({ name: "sandbox" })).toThrow('name is "sandbox": it must be another name');
});

it("fails on a workspace of our own with the folder of its guests for its own", () => {
  expect(() => resolve({ name: "guests" })).toThrow(
    'name is "guests": it must be another name, since /order-tracking/guests',
  );
  expect(() => resolve({ name: "guests", ...inWorkspace({}) })).not.toThrow();
});

it("fails on archived files that would be deleted before they are cool", () => {
  expect(() => resolve({ archiveCoolAfterDays: 60, archiveDeleteAfterDays: 60 })).toThrow(
    "archiveDeleteAfterDays is 60: it must be more than archiveCoolAfterDays, which is 60",
  );
});

it.each([
  ["westus", "ZRS", "LRS"],
  ["westus", "GZRS", "LRS"],
  ["qatarcentral", "GZRS", "LRS or ZRS"],
])("fails on copies of the lake that the region does not have: in %s %s", (location, storageReplication, there) => {
  expect(() => resolve({ location, storageReplication })).toThrow(
    `storageReplication is "${storageReplication}": it must be ${there}, which is all that ${location} has`,
  );
});

it("fails on a field that is missing", () => {
  expect(() => resolve({ location: undefined })).toThrow(
    "location is missing: it must be the short name of an Azure region",
  );
});

it.each([
  [{ subscription: "x" }, "subscription: no such field"],
  [{ existingWorkspace: { name: "abc", resourceGroup: "rg", host: "x" } }, "existingWorkspace.host: no such field"],
])("fails on a field that does not exist: %j", (settings, message) => {
  expect(() => resolve(settings)).toThrow(message);
});

it("spells what azurerm takes in one spelling only, and leaves names as they are", () => {
  const asTheCommandLineSpellsIt = resourceId("microsoft.operationalinsights/workspaces/LOGS").replace(
    "resourceGroups",
    "resourcegroups",
  );

  expect(resolve({ logAnalyticsWorkspaceId: asTheCommandLineSpellsIt })).toMatchObject({
    logAnalyticsWorkspaceId: resourceId("Microsoft.OperationalInsights/workspaces/LOGS"),
  });
});

const inWorkspace = (workspace: object) => ({ existingWorkspace: { name: "dbw", resourceGroup: "rg", ...workspace } });
const inState = (state: object) => ({
  stateContainer: { resourceGroup: "rg", storageAccount: "state", container: "tfstate", ...state },
});
const withWaiver = (waiver: object) => ({
  waivers: [{ rule: "tagged", construct: "tiny-platform/lake", reason: "x", expiresOn: "2026-12-24", ...waiver }],
});

const KEY = { vault: "kv-orders", resourceGroup: "rg", key: "lake" };
const withKey = (key: object) => ({ customerManagedKey: { ...KEY, ...key } });

it.each([
  [{}, "RG-order-tracking-tiny"],
  [{}, "rg-order-tracking-tiny-databricks"],
  [{ existingResourceGroup: "rg" }, "rg-order-tracking-tiny-databricks"],
  [inWorkspace({}), "rg-order-tracking-tiny"],
])(
  "fails on a state in a resource group that comes and goes with the environment: %j %s",
  (settings, resourceGroup) => {
    expect(() => resolve({ ...settings, ...inState({ resourceGroup }) })).toThrow(
      `stateContainer.resourceGroup is "${resourceGroup}": it must be another resource group than those that come and go`,
    );
  },
);

it.each([
  [{}, "rg-order-tracking-tiny"],
  [{}, "rg-order-tracking-tiny-databricks"],
  [{ existingResourceGroup: "rg-lake" }, "RG-lake"],
  [inState({ resourceGroup: "rg-state" }), "rg-State"],
  [inWorkspace({ resourceGroup: "rg-workspace" }), "rg-Workspace"],
  [{ customerManagedKey: { vault: "kv-orders", resourceGroup: "rg-keys", key: "lake" } }, "rg-Keys"],
])("fails on sandboxes in a resource group that is not for them alone: %j %s", (settings, sandboxResourceGroup) => {
  expect(() => resolve({ ...settings, sandboxResourceGroup })).toThrow(
    `sandboxResourceGroup is "${sandboxResourceGroup}": it must be a resource group for sandboxes alone`,
  );
});

it.each(["admins", "Admins"])("fails on %s, whose rights nobody may change", (name) => {
  expect(() => resolve({ operators: ["our team", name] })).toThrow(
    `operators.1 is "${name}": it must be another group than admins, who may do everything`,
  );
});

it.each([
  ["analysts.0", "${path.cwd}", { analysts: ["${path.cwd}"] }],
  ["waivers.0.reason", "since 2%{", withWaiver({ reason: "since 2%{" })],
  [
    "logAnalyticsWorkspaceId",
    resourceId("Microsoft.OperationalInsights/workspaces/${x}"),
    {
      logAnalyticsWorkspaceId: resourceId("Microsoft.OperationalInsights/workspaces/${x}"),
    },
  ],
])("fails on %s with what Terraform takes for a reference: %s", (field, value, settings) => {
  expect(() => resolve(settings)).toThrow(`  ${field} is ${JSON.stringify(value)}: it must be free of \${ and %{`);
});

it.each([{}, inWorkspace({})])(
  "fails on a group that is spelt in two ways, whosever the workspace is: %j",
  (settings) => {
    expect(() => resolve({ ...settings, loaders: ["others", "Our Team"], operators: ["our team"] })).toThrow(
      'operators.0 is "our team": it must be spelt as it is elsewhere in loaders, analysts and operators',
    );
  },
);

it.each([
  ["the shortest name", { name: "ab" }],
  ["the longest name", { name: letters(11) }],
  ["the shortest storage account", { storageAccount: "a1b" }],
  ["the longest storage account", { storageAccount: letters(24) }],
  ["the shortest workspace", inWorkspace({ name: "a-b" })],
  ["the longest workspace", inWorkspace({ name: letters(64) })],
  ["a state and sandboxes in groups of their own", { ...inState({}), sandboxResourceGroup: "rg-sandboxes" }],
  ["a state in the group that stays as it is", { existingResourceGroup: "rg", ...inState({}) }],
  ["the shortest resource group", inWorkspace({ resourceGroup: "r" })],
  ["the longest resource group", inWorkspace({ resourceGroup: `${letters(88)}.)` })],
  ["the shortest container", inState({ container: "a-b" })],
  ["the longest container", inState({ container: letters(63) })],
  ["the longest tag", { owner: letters(256) }],
  ["a tag of any allowed character", { owner: "Jo_1 +-=.:/@" }],
  ["the last day of February in a leap year", { expiresOn: "2028-02-29" }],
  ["the shortest vault and key", withKey({ vault: "k-v", key: "k" })],
  ["the longest vault and key", withKey({ vault: letters(24), key: letters(127) })],
  ["a place for logs", { logAnalyticsWorkspaceId: resourceId("Microsoft.OperationalInsights/workspaces/logs") }],
  ["the longest wait", { waitAfterLastChangeSeconds: 86_400, minTimeBetweenTriggersSeconds: 86_400 }],
  ["the shortest wait", { waitAfterLastChangeSeconds: 60, minTimeBetweenTriggersSeconds: 60 }],
  ["no wait at all", { waitAfterLastChangeSeconds: 0 }],
  ["the strictest limits", { maxBadRowsPercent: 0, maxQuarantinedPercent: 0, maxRejectedFiles: 0 }],
  ["the loosest limits", { maxBadRowsPercent: 100, maxQuarantinedPercent: 100 }],
  ["a share between two percents", { maxBadRowsPercent: 0.5 }],
  ["the shortest time travel", { retentionDays: 7 }],
  ["the longest time travel", { retentionDays: 99_999 }],
  ["groups of one letter and of several words", { analysts: ["a"], operators: ["our team, $5 & 10%"] }],
  ["a waiver", withWaiver({ construct: "tiny-platform/lake/account" })],
  ["the shortest life in the archive", { archiveCoolAfterDays: 1, archiveDeleteAfterDays: 2 }],
  ["the longest life in the archive", { archiveCoolAfterDays: 99_998, archiveDeleteAfterDays: 99_999 }],
  ["as many destinations as a job may have", { notifications: { create: ["slack", "teams"], existing: [SOME_ID] } }],
  ["each kind of destination", { notifications: { create: ["slack", "teams", "webhook"] } }],
  ["a group of several personas", { loaders: ["our team"], analysts: ["our team"], operators: ["our-other-team"] }],
  [
    "groups that are let in by somebody else, whatever their names",
    { ...inWorkspace({}), analysts: ["a b", "a-b"], operators: ["runner"] },
  ],
  ["all copies that there are in one zone", { location: "westus", storageReplication: "LRS" }],
  ["all copies that there are in one region", { location: "qatarcentral", storageReplication: "ZRS" }],
  ["all copies that there are", { location: "westeurope", storageReplication: "GZRS" }],
  ["a warehouse that exists", { warehouse: "0123456789abcdef" }],
  ["a new warehouse", { warehouse: "create" }],
])("accepts %s", (_, settings) => {
  expect(() => resolve(settings)).not.toThrow();
});

it.each([
  ["name", { name: "a" }],
  ["name", { name: letters(12) }],
  ["name", { name: "1dev" }],
  ["name", { name: "dev-1" }],
  ["location", { location: "West Europe" }],
  ["location", { location: "atlantis" }],
  ["subscriptionIdVariable", { subscriptionIdVariable: "dev-subscription" }],
  ["owner", { owner: letters(257) }],
  ["owner", { owner: "Jörg" }],
  ["costCentre", { costCentre: "a&b" }],
  ["expiresOn", { expiresOn: "2026-02-29" }],
  ["expiresOn", { expiresOn: "tomorrow" }],
  ["storageAccount", { storageAccount: "ab" }],
  ["storageAccount", { storageAccount: letters(25) }],
  ["storageAccount", { storageAccount: "order-lake" }],
  ["sourceRepository", { sourceRepository: "" }],
  ["network", { network: undefined }],
  ["network.posture", { network: { posture: "closed" } }],
  ["customerManagedKey", { customerManagedKey: "https://kv-orders.vault.azure.net/keys/lake" }],
  ["customerManagedKey.vault", withKey({ vault: "kv--orders" })],
  ["customerManagedKey.vault", withKey({ vault: letters(25) })],
  ["customerManagedKey.key", withKey({ key: "lake/1" })],
  ["logAnalyticsWorkspaceId", { logAnalyticsWorkspaceId: "logs" }],
  [
    "logAnalyticsWorkspaceId",
    {
      logAnalyticsWorkspaceId:
        "/subscriptions/of-ours/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/logs",
    },
  ],
  ["logAnalyticsWorkspaceId", { logAnalyticsWorkspaceId: resourceId("Microsoft.Insights/components/logs") }],
  ["fileEvents", { fileEvents: "on" }],
  ["storageReplication", { storageReplication: "XRS" }],
  ["existingWorkspace", { existingWorkspace: "dbw" }],
  ["existingWorkspace.name", inWorkspace({ name: "ab" })],
  ["existingWorkspace.name", inWorkspace({ name: letters(65) })],
  ["existingWorkspace.name", inWorkspace({ name: "my workspace" })],
  ["existingWorkspace.resourceGroup", inWorkspace({ resourceGroup: "" })],
  ["existingWorkspace.resourceGroup", inWorkspace({ resourceGroup: letters(91) })],
  ["existingWorkspace.resourceGroup", inWorkspace({ resourceGroup: "group." })],
  ["stateContainer.storageAccount", inState({ storageAccount: "State" })],
  ["stateContainer.container", inState({ container: "ab" })],
  ["stateContainer.container", inState({ container: letters(64) })],
  ["stateContainer.container", inState({ container: "a--b" })],
  ["stateContainer.container", inState({ container: "-ab" })],
  ["compute", { compute: "cluster" }],
  ["disposable", { disposable: "no" }],
  ["name", { name: "sbxshared" }],
  ["name", { name: "sbxshared", branch: "main" }],
  ["minTimeBetweenTriggersSeconds", { minTimeBetweenTriggersSeconds: 59 }],
  ["minTimeBetweenTriggersSeconds", { minTimeBetweenTriggersSeconds: 86_401 }],
  ["waitAfterLastChangeSeconds", { waitAfterLastChangeSeconds: 86_401 }],
  ["waitAfterLastChangeSeconds", { waitAfterLastChangeSeconds: 60.5 }],
  ["waitAfterLastChangeSeconds", { waitAfterLastChangeSeconds: 30 }],
  ["newColumns", { newColumns: "drop" }],
  ["maxBadRowsPercent", { maxBadRowsPercent: 100.1 }],
  ["maxBadRowsPercent", { maxBadRowsPercent: "50" }],
  ["maxQuarantinedPercent", { maxQuarantinedPercent: -1 }],
  ["maxRejectedFiles", { maxRejectedFiles: -1 }],
  ["maxRejectedFiles", { maxRejectedFiles: 0.5 }],
  ["retentionDays", { retentionDays: 6 }],
  ["retentionDays", { retentionDays: 100_000 }],
  ["waivers.0.rule", withWaiver({ rule: "" })],
  ["waivers.0.construct", withWaiver({ construct: "tiny-platform" })],
  ["waivers.0.construct", withWaiver({ construct: "prod-platform/lake/account" })],
  ["waivers.0.construct", withWaiver({ construct: "tiny-network/lake/account" })],
  ["waivers.0.reason", withWaiver({ reason: " " })],
  ["waivers.0.expiresOn", withWaiver({ expiresOn: "never" })],
  ["retentionDays", { retentionDays: 7.5 }],
  ["archiveCoolAfterDays", { archiveCoolAfterDays: 0 }],
  ["archiveCoolAfterDays", { archiveCoolAfterDays: 100_000 }],
  ["archiveDeleteAfterDays", { archiveDeleteAfterDays: 100_000 }],
  ["archiveDeleteAfterDays", { archiveDeleteAfterDays: 30.5 }],
  ["archiveDeleteAfterDays", { archiveDeleteAfterDays: 30 }],
  ["notifications", { notifications: ["team@example.com"] }],
  ["notifications.emails.0", { notifications: { emails: ["nobody"] } }],
  ["notifications.create.0", { notifications: { create: ["pager"] } }],
  ["notifications.create", { notifications: { create: ["slack", "slack"] } }],
  ["notifications.existing.0", { notifications: { existing: ["our-channel"] } }],
  ["notifications.emails", { notifications: { emails: ["team@example.com", "Team@example.com"] } }],
  ["notifications.existing", { notifications: { existing: [LOWER, UPPER] } }],
  ["notifications", { notifications: { create: ["slack", "teams"], existing: [SOME_ID, LOWER] } }],
  ["warehouse", { warehouse: "0123456789ABCDEF" }],
  ["warehouse", { warehouse: "0123456789abcde" }],
  ["warehouse", { warehouse: "new" }],
  ["ownerGroup", { ownerGroup: " " }],
  ["ownerGroup", { ownerGroup: "our team " }],
  ["loaders.0", { loaders: [""] }],
  ["loaders.0", { loaders: [" our team"] }],
  ["analysts", { analysts: "everyone" }],
  ["loaders", { loaders: ["our team", "our team"] }],
  ["operators.0", { operators: [7] }],
  ["operators.0", { operators: ["runner"] }],
  ["analysts.1", { analysts: ["analysts", "deployer"] }],
  ["analysts.0", { loaders: ["a-b"], analysts: ["a b"] }],
  ["loaders.1", { loaders: ["a/b", "a--b"] }],
  ["runAs", { runAs: "loader@example.com" }],
  ["deployer", { deployer: "id-order-tracking-prod-apply" }],
])("fails on a wrong %s: %j", (field, settings) => {
  expect(() => resolve(settings)).toThrow(`  ${field} is `);
});
