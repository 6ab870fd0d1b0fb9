import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const ROOT = path.join(__dirname, "..");
const LASTING = ["dev", "prod", "staging"].flatMap((name) =>
  ["catalog", "pipeline", "platform"].map((kind) => `${name}-${kind}`),
);

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "order-tracking-main-"));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Runs the app as cdktf.json does, and returns what it prints. */
function run(output: string, variables: Record<string, string> = {}, nodeOptions: readonly string[] = []): string {
  return execFileSync(process.execPath, [...nodeOptions, "--import", "tsx", "main.ts"], {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, CDKTF_OUTDIR: path.join(directory, output), ...variables },
  });
}

const stacksIn = (output: string) => readdirSync(path.join(directory, output, "stacks")).sort();

it("synthesizes three stacks for each environment, and loads no provider's index", () => {
  const hook = path.join(directory, "count-modules.cjs");
  writeFileSync(hook, 'process.on("exit", () => console.log(Object.keys(require.cache).length));');

  const modules = Number(run("lasting", {}, ["--require", hook]));

  expect(stacksIn("lasting")).toEqual(LASTING);
  expect(modules).toBeGreaterThan(300);
  expect(modules).toBeLessThan(700);
});

it("needs no program but Node, as on a laptop that only runs the job", () => {
  run("alone", { PATH: directory });

  expect(stacksIn("alone")).toEqual(LASTING);
});

it("adds a sandbox's stacks when the variables ask for one", () => {
  run("sandbox", {
    ORDER_TRACKING_SANDBOX_OWNER: "anna",
    ORDER_TRACKING_SANDBOX_BRANCH: "main",
    ORDER_TRACKING_SANDBOX_EXPIRES_ON: "2026-12-24",
  });

  const added = stacksIn("sandbox").filter((name) => !LASTING.includes(name));

  expect(added.map((name) => name.replace(/^sbx\w{8}/, "sbx"))).toEqual([
    "sbx-catalog",
    "sbx-pipeline",
    "sbx-platform",
  ]);
});

it("fails on a stack that breaks a guard rail", () => {
  const hook = path.join(directory, "open-keys.cjs");
  const account = path.join(ROOT, "node_modules/@cdktf/provider-azurerm/lib/storage-account/index.js");
  writeFileSync(
    hook,
    `const { prototype } = require(${JSON.stringify(account)}).StorageAccount;
    const attributes = prototype.synthesizeAttributes;
    prototype.synthesizeAttributes = function () {
      return { ...attributes.call(this), shared_access_key_enabled: true };
    };`,
  );

  expect(() => run("broken", {}, ["--require", hook])).toThrow("[dev-platform/lake/account] no-shared-keys: ");
});
