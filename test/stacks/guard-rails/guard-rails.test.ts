/** The guard rails over whole stacks, as main.ts puts them there: what fails a synth, and what it says. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { StorageAccount } from "@cdktf/provider-azurerm/lib/storage-account/index.js";
import { Aspects, App, type TerraformStack } from "cdktf";
import { type EnvironmentSettings, resolveEnvironment } from "../../../environments/environment.ts";
import { GuardRails, refusals } from "../../../stacks/guard-rails/guard-rails.ts";
import { addOrderTracking } from "../../../stacks/order-tracking.ts";
import { MINIMAL } from "../../synthesized.ts";

const TODAY = "2026-11-21";
const DISPOSABLE = { ...MINIMAL, disposable: true };

const directories: string[] = [];
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true });
});

/** Synthesizes the stacks of an environment, after a change to the first, which is the platform. */
function synth(settings: EnvironmentSettings, change: (platform: TerraformStack) => void = () => undefined): void {
  const outdir = mkdtempSync(path.join(tmpdir(), "order-tracking-guard-rails-"));
  directories.push(outdir);
  const app = new App({ outdir, stackTraces: false });
  const environment = resolveEnvironment(settings, {});
  const [platform, ...others] = addOrderTracking(app, environment);
  if (!platform) throw new Error("there is no stack");
  change(platform);
  for (const stack of [platform, ...others]) Aspects.of(stack).add(new GuardRails(environment, TODAY));
  app.synth();
}

function accountOf(stack: TerraformStack): StorageAccount {
  const account = stack.node.findAll().find((construct) => construct instanceof StorageAccount);
  if (!account) throw new Error("there is no storage account");
  return account;
}

it("passes a stack that keeps every rule", () => {
  expect(() => {
    synth(DISPOSABLE);
  }).not.toThrow();
});

it("fails with the construct, the rule, and what to do", () => {
  const openKeys = (platform: TerraformStack) => {
    accountOf(platform).sharedAccessKeyEnabled = true;
  };

  expect(() => {
    synth(DISPOSABLE, openKeys);
  }).toThrow(
    "[tiny-platform/lake/account] no-shared-keys: can be reached with keys that nobody can trace: " +
      "set sharedAccessKeyEnabled and localUserEnabled to false.",
  );
});

it("sees what an override changes", () => {
  const openKeys = (platform: TerraformStack) => {
    accountOf(platform).addOverride("shared_access_key_enabled", true);
  };

  expect(() => {
    synth(DISPOSABLE, openKeys);
  }).toThrow("no-shared-keys");
});

it("lists everything that is wrong with a stack", () => {
  const openAll = (platform: TerraformStack) => {
    accountOf(platform).addOverride("min_tls_version", "TLS1_0");
    accountOf(platform).resetTags();
  };

  expect(() => {
    synth(DISPOSABLE, openAll);
  }).toThrow(/\[tiny-platform\/lake\/account\] encrypted-in-transit: .*\n\[tiny-platform\/lake\/account\] tagged: /);
});

it("leaves alone what has been moved to another resource", () => {
  const moveAway = (platform: TerraformStack) => {
    accountOf(platform).sharedAccessKeyEnabled = true;
    accountOf(platform).moveToId("azurerm_storage_account.other");
  };

  expect(() => {
    synth(DISPOSABLE, moveAway);
  }).not.toThrow();
});

it("fails on a waiver for a construct that is not there", () => {
  const waivers = [{ rule: "no-shared-keys", construct: "tiny-platform/old/account", reason: "x", expiresOn: TODAY }];

  expect(() => {
    synth({ ...DISPOSABLE, waivers });
  }).toThrow(
    "[tiny-platform] the waiver of no-shared-keys for tiny-platform/old/account waives nothing: " +
      "remove it from the environment, or correct it.",
  );
});

describe("a waiver", () => {
  const violation = { rule: "no-shared-keys", construct: "tiny-platform/lake/account", sentence: "has keys" };
  const waiver = {
    rule: violation.rule,
    construct: violation.construct,
    reason: "an old client",
    expiresOn: TODAY,
  };
  const messages = (...given: Parameters<typeof refusals>) => refusals(...given).map(({ message }) => message);

  it("holds until the end of its last day", () => {
    expect(refusals([violation], [waiver], TODAY)).toEqual([]);
  });

  it("fails on the day after, with its reason", () => {
    expect(messages([violation], [waiver], "2026-11-22")).toEqual([
      "no-shared-keys: has keys. Its waiver expired on 2026-11-21 (an old client).",
    ]);
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
