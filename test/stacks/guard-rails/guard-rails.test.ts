/** The guard rails over whole stacks: what stops a synthesis or a deployment, and what it says. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { StorageAccount } from "@cdktf/provider-azurerm/lib/storage-account/index.js";
import { App, type TerraformStack } from "cdktf";
import { type EnvironmentSettings, resolveEnvironment } from "../../../environments/environment.ts";
import { holdToGuardRails, refusals } from "../../../stacks/guard-rails/guard-rails.ts";
import { addOrderTracking } from "../../../stacks/order-tracking.ts";
import { MINIMAL, SUBSCRIPTION_ID } from "../../synthesized.ts";

const TODAY = "2026-11-21";
const DISPOSABLE = { ...MINIMAL, disposable: true };

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

/** What the rules say of an environment's stacks, after a change to the first, which is the platform. */
function held(settings: EnvironmentSettings, change: (platform: TerraformStack) => void = () => undefined) {
  const outdir = mkdtempSync(path.join(tmpdir(), "order-tracking-guard-rails-"));
  directories.push(outdir);
  const app = new App({ outdir, stackTraces: false });
  const environment = resolveEnvironment(settings, { [MINIMAL.subscriptionIdVariable]: SUBSCRIPTION_ID });
  const stacks = addOrderTracking(app, environment);
  const [platform] = stacks;
  if (!platform) throw new Error("there is no stack");
  change(platform);
  const said = stacks.flatMap((stack) => holdToGuardRails(stack, environment, TODAY));
  return { platform, said: said.map(({ construct, message }) => `[${construct}] ${message}`) };
}

function accountOf(stack: TerraformStack): StorageAccount {
  const account = stack.node.findAll().find((construct) => construct instanceof StorageAccount);
  if (!account) throw new Error("there is no storage account");
  return account;
}

it("says nothing of a stack that keeps every rule", () => {
  expect(held(DISPOSABLE).said).toEqual([]);
});

it("tells the construct, the rule, and what to do", () => {
  const openKeys = (platform: TerraformStack) => {
    accountOf(platform).sharedAccessKeyEnabled = true;
  };

  expect(held(DISPOSABLE, openKeys).said).toEqual([
    "[tiny-platform/lake/account] no-shared-keys: can be reached with keys that nobody can trace: " +
      "set sharedAccessKeyEnabled and localUserEnabled to false.",
  ]);
});

it("sees what an override changes", () => {
  const openKeys = (platform: TerraformStack) => {
    accountOf(platform).addOverride("shared_access_key_enabled", true);
  };

  expect(held(DISPOSABLE, openKeys).said).toEqual([expect.stringContaining("no-shared-keys")]);
});

it("sees what an override of the stack changes", () => {
  const openKeys = (platform: TerraformStack) => {
    const { friendlyUniqueId } = accountOf(platform);
    platform.addOverride(`resource.azurerm_storage_account.${friendlyUniqueId}.shared_access_key_enabled`, true);
  };

  expect(held(DISPOSABLE, openKeys).said).toEqual([
    expect.stringMatching(/^\[tiny-platform\/lake\/account\] no-shared-keys: /),
  ]);
});

it("sees what an override of the stack adds", () => {
  const grantAll = (platform: TerraformStack) => {
    platform.addOverride("resource.databricks_grant.all", { principal: "account users", privileges: ["SELECT"] });
  };

  expect(held(DISPOSABLE, grantAll).said).toEqual([expect.stringMatching(/^\[tiny-platform\/all\] narrow-grants: /)]);
});

it("lists everything that is wrong with a stack", () => {
  const openAll = (platform: TerraformStack) => {
    accountOf(platform).addOverride("min_tls_version", "TLS1_0");
    accountOf(platform).resetTags();
  };

  expect(held(DISPOSABLE, openAll).said).toEqual([
    expect.stringMatching(/^\[tiny-platform\/lake\/account\] encrypted-in-transit: /),
    expect.stringMatching(/^\[tiny-platform\/lake\/account\] tagged: /),
  ]);
});

it("leaves alone what has been moved to another resource", () => {
  const moveAway = (platform: TerraformStack) => {
    accountOf(platform).sharedAccessKeyEnabled = true;
    accountOf(platform).moveToId("azurerm_storage_account.other");
  };

  expect(held(DISPOSABLE, moveAway).said).toEqual([]);
});

it("refuses a waiver for a construct that is not there", () => {
  const waivers = [{ rule: "no-shared-keys", construct: "tiny-platform/old/account", reason: "x", expiresOn: TODAY }];

  expect(held({ ...DISPOSABLE, waivers }).said).toEqual([
    "[tiny-platform/old/account] the waiver of no-shared-keys for tiny-platform/old/account waives nothing: " +
      "remove it from the environment, or correct it.",
  ]);
});

it("stops a deployment, and neither a synthesis nor a destroy, with a waiver that has expired", () => {
  const openKeys = (platform: TerraformStack) => {
    accountOf(platform).sharedAccessKeyEnabled = true;
  };
  const waiver = { rule: "no-shared-keys", construct: "tiny-platform/lake/account", reason: "an old client" };
  const waivers = [{ ...waiver, expiresOn: "2026-11-20" }];

  const { platform, said } = held({ ...DISPOSABLE, waivers }, openKeys);

  expect(said).toEqual([]);
  expect(platform.toTerraform()).toMatchObject({
    resource: {
      terraform_data: {
        "waivers-hold": {
          lifecycle: {
            postcondition: [
              {
                error_message: expect.stringMatching(
                  /^Nothing of tiny-platform was deployed\. .*Its waiver expired on 2026-11-20 \(an old client\)\.$/,
                ) as string,
              },
            ],
          },
        },
      },
    },
  });
});

describe("a waiver", () => {
  const violation = { rule: "no-shared-keys", construct: "tiny-platform/lake/account", sentence: "has keys" };
  const waiver = {
    rule: violation.rule,
    construct: violation.construct,
    reason: "an old client",
    expiresOn: TODAY,
  };
  const messages = (...given: Parameters<typeof refusals>) => refusals(...given).atSynth.map(({ message }) => message);

  it("holds until the end of its last day", () => {
    expect(refusals([violation], [waiver], TODAY)).toEqual({ atSynth: [], whenDeployed: [] });
  });

  it("stops a deployment on the day after, with its reason", () => {
    expect(refusals([violation], [waiver], "2026-11-22")).toEqual({
      atSynth: [],
      whenDeployed: [
        {
          construct: violation.construct,
          message: "no-shared-keys: has keys. Its waiver expired on 2026-11-21 (an old client).",
        },
      ],
    });
  });

  it.each([
    ["another rule", { rule: "no-public-blobs" }],
    ["another construct", { construct: "tiny-platform/lake" }],
  ])("of %s waives nothing, and fails for that", (_, change) => {
    expect(messages([violation], [{ ...waiver, ...change }], TODAY)).toEqual([
      "no-shared-keys: has keys.",
      expect.stringContaining("waives nothing") as string,
    ]);
  });

  it("of what is repaired fails, expired or not", () => {
    for (const today of [TODAY, "2026-11-22"]) {
      expect(messages([], [waiver], today)).toEqual([expect.stringContaining("waives nothing") as string]);
    }
  });
});
