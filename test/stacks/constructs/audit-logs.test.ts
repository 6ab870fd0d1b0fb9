import { all, MINIMAL, resourceId, synthesize, type StackJson } from "../../synthesized.ts";

const LOGS = resourceId("Microsoft.OperationalInsights/workspaces/logs");

let platform: StackJson;
let inExistingWorkspace: StackJson;

beforeAll(() => {
  const logged = { ...MINIMAL, logAnalyticsWorkspaceId: LOGS };
  platform = synthesize(logged).platform;
  const existingWorkspace = { name: "shared", resourceGroup: "rg-shared" };
  inExistingWorkspace = synthesize({ ...logged, existingWorkspace }).platform;
});

it("tells who read, wrote and deleted what in the lake, and all that a workspace tells", () => {
  expect(all(platform, "azurerm_monitor_diagnostic_setting")).toMatchObject([
    {
      target_resource_id: expect.stringMatching(/storage_account.*\.id}\/blobServices\/default$/) as string,
      log_analytics_workspace_id: LOGS,
      enabled_log: [{ category: "StorageRead" }, { category: "StorageWrite" }, { category: "StorageDelete" }],
    },
    {
      target_resource_id: expect.stringMatching(/databricks_workspace.*\.id}$/) as string,
      log_analytics_workspace_id: LOGS,
      enabled_log: [{ category_group: "allLogs" }],
    },
  ]);
});

it("leaves the logs of somebody else's workspace to them", () => {
  expect(all(inExistingWorkspace, "azurerm_monitor_diagnostic_setting")).toHaveLength(1);
});
