import { azure, databricks, makePlatform } from "./client.ts";
import { type Cloud, startCloud } from "./cloud.ts";

let cloud: Cloud;

beforeEach(async () => {
  cloud = await startCloud();
});
afterEach(async () => {
  await cloud.close();
});

const page = async () => (await fetch(cloud.proxyUrl)).text();

describe("the page", () => {
  it("says so where nothing is deployed", async () => {
    expect(await page()).toContain("Nothing is deployed yet.");
  });

  it("shows what is in resource groups and workspaces, as text", async () => {
    const host = await makePlatform(cloud);
    await databricks(cloud, host, "POST", "/api/2.2/jobs/create", {
      name: "load <orders>",
      tasks: [{ task_key: "t", notebook_task: { notebook_path: "/n" } }],
    });
    await azure(cloud, "PUT", "/resourceGroups/rg-b", { location: "westeurope" });

    const shown = await page();

    expect(shown).toContain("<h2>Resource group rg-b</h2>");
    expect(shown).toContain("<td>Databricks/workspaces</td><td>dbw-a</td>");
    expect(shown).toContain("<h2>Job load &lt;orders&gt;</h2>");
  });
});
