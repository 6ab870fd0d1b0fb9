import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { lockFileFor, PLATFORMS } from "../../deploy/lock-providers.ts";
import { MadeUpTerraform } from "../cli/made-up-terraform.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

const directory = temporaryFolder();
const azurerm = { source: "hashicorp/azurerm", version: "4.81.0" };
const databricks = { source: "databricks/databricks", version: "1.128.0" };
let terraform: MadeUpTerraform;

beforeEach(() => {
  terraform = new MadeUpTerraform();
  for (const [kind, providers] of Object.entries({ platform: { azurerm }, catalog: { azurerm, databricks } })) {
    const folder = path.join(directory, "stacks", `dev-${kind}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      path.join(folder, "cdk.tf.json"),
      JSON.stringify({ terraform: { required_providers: providers, backend: { azurerm: {} } }, resource: {} }),
    );
  }
});
afterEach(() => {
  terraform.remove();
});

it("has the providers of all stacks locked for every platform, and keeps no state for that", async () => {
  const lockFile = await lockFileFor(directory);

  const [call] = terraform.calls();
  expect(call?.args).toEqual(["providers", "lock", ...PLATFORMS.map((platform) => `-platform=${platform}`)]);
  expect(JSON.parse(lockFile.replace("locked: ", ""))).toEqual({
    terraform: { required_providers: { azurerm, databricks } },
  });
});

it("says what Terraform said where it fails", async () => {
  terraform.answer({ failing: "providers" });
  await expect(lockFileFor(directory)).rejects.toThrow("no luck");
});
