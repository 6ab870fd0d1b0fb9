import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type EnvironmentSettings, resolveEnvironment } from "../../environments/environment.ts";
import { type Request, synthesizeEnvironments } from "../../stacks/synthesis.ts";
import { MINIMAL, SUBSCRIPTION_ID } from "../synthesized.ts";

const TODAY = "2026-11-24";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "order-tracking-synthesis-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const request = (name: string, settings: Partial<EnvironmentSettings> = {}): Request => ({
  name,
  resolve: () =>
    resolveEnvironment(
      { ...MINIMAL, disposable: true, name, ...settings },
      { [MINIMAL.subscriptionIdVariable]: SUBSCRIPTION_ID },
    ),
});
const wrong = request("wrong", { owner: "" });
const broken = request("broken", { disposable: false });
const synthesize = (...requests: Request[]) => synthesizeEnvironments(requests, directory, TODAY);

const stacksOf = (...names: string[]) =>
  names.flatMap((name) => ["catalog", "pipeline", "platform"].map((kind) => `${name}-${kind}`));
const place = (...parts: string[]) => path.join(directory, "stacks", ...parts);
const manifest = () =>
  JSON.parse(readFileSync(path.join(directory, "manifest.json"), "utf8")) as {
    stacks: Record<string, { synthesizedStackPath: string; dependencies: string[] }>;
  };

it("synthesizes the environments that are right, and tells why others are not", () => {
  const refusals = synthesize(request("one"), wrong, broken, request("two"));

  expect(refusals).toEqual([
    { environment: "wrong", reason: expect.stringContaining('owner is ""') as string },
    {
      environment: "broken",
      reason: expect.stringContaining("[broken-platform/lake/account] closed-network: ") as string,
    },
  ]);
  const { stacks } = manifest();
  expect(Object.keys(stacks).sort()).toEqual(stacksOf("one", "two"));
  expect(stacks["two-catalog"]?.dependencies).toEqual(["two-platform"]);
  for (const { synthesizedStackPath } of Object.values(stacks)) {
    expect(existsSync(path.join(directory, synthesizedStackPath))).toBe(true);
  }
  expect(readdirSync(directory).sort()).toEqual(["manifest.json", "stacks"]);
});

it("keeps the line that makes each resource only where it is asked to, and nothing of this machine", () => {
  const file = place("one-platform", "source-lines.json");
  synthesize(request("one"));
  expect(existsSync(file)).toBe(false);
  synthesizeEnvironments([request("one")], directory, TODAY, { keepsLines: true });

  const lines = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  const { resource } = JSON.parse(readFileSync(place("one-platform", "cdk.tf.json"), "utf8")) as {
    resource: Record<string, object>;
  };
  const addresses = Object.entries(resource).flatMap(([type, each]) => Object.keys(each).map((id) => `${type}.${id}`));
  expect(Object.keys(lines).sort()).toEqual(addresses.sort());
  const [account = "", roles = ""] = ["azurerm_storage_account.", "terraform_data.identity"].map((type) => {
    const [, line = ""] = Object.entries(lines).find(([address]) => address.startsWith(type)) ?? [];
    const [source = "", number] = line.split(":");
    return readFileSync(path.join(__dirname, "../..", source), "utf8").split("\n")[Number(number) - 1];
  });
  expect(account).toContain("new StorageAccount(");
  expect(roles).toContain("new RolesInEffect(");
  synthesize(request("one"));
  expect(existsSync(file)).toBe(false);
});

it("takes no traces of what CDKTF makes, and leaves those of others as they were", () => {
  const traces = jest.spyOn(Error, "captureStackTrace");
  try {
    synthesize(request("one"), broken);
    expect(traces).not.toHaveBeenCalled();

    Error.captureStackTrace({});
    expect(traces).toHaveBeenCalledTimes(1);
  } finally {
    traces.mockRestore();
  }
});

it("gives each stack the hashes of the providers where there are some", () => {
  const lockFile = path.join(directory, "committed");
  writeFileSync(lockFile, "hashes");
  synthesizeEnvironments([request("one")], directory, TODAY, { lockFile });

  for (const stack of stacksOf("one")) expect(readFileSync(place(stack, ".terraform.lock.hcl"), "utf8")).toBe("hashes");
});

it("removes what a process left behind that was killed, and nothing of one that still runs", () => {
  const { pid: ended } = spawnSync(process.execPath, ["--version"]);
  for (const pid of [ended, process.ppid]) mkdirSync(path.join(directory, `unfinished-${pid}-x`));
  synthesize(request("one"));
  expect(readdirSync(directory).sort()).toEqual(["manifest.json", "stacks", `unfinished-${process.ppid}-x`]);
});

it("leaves everything as it was where nothing is right", () => {
  synthesize(request("one"));
  const before = manifest();

  expect(synthesize(wrong)).toHaveLength(1);

  expect(manifest()).toEqual(before);
  expect(readdirSync(place()).sort()).toEqual(stacksOf("one"));
});

it("leaves everything as it was where the app itself fails", () => {
  synthesize(request("one"));
  const before = manifest();
  const bug = () => {
    throw new TypeError("a bug");
  };

  expect(() => synthesize(request("two"), { name: "three", resolve: bug })).toThrow("a bug");

  expect(manifest()).toEqual(before);
});

it("tells of no stacks where it could not put all of them in place", () => {
  synthesize(request("one"));
  writeFileSync(place("two-platform"), "in the way");

  expect(() => synthesize(request("one"), request("two"))).toThrow("EEXIST");

  expect(existsSync(path.join(directory, "manifest.json"))).toBe(false);
});

it("keeps what Terraform has beside a stack, and nothing of an earlier synthesis", () => {
  synthesize(request("one"));
  mkdirSync(place("one-pipeline", ".terraform"));
  mkdirSync(place("one-pipeline", "assets", "old"));

  synthesize(request("one"));

  expect(existsSync(place("one-pipeline", ".terraform"))).toBe(true);
  expect(existsSync(place("one-pipeline", "assets"))).toBe(true);
  expect(existsSync(place("one-pipeline", "assets", "old"))).toBe(false);
});

it("lets a sandbox that has expired be destroyed, and not be deployed", () => {
  const expired = { expiresOn: "2026-11-23", triggerPaused: true };
  synthesize(request("old", expired), request("young", { ...expired, expiresOn: TODAY }));
  const stack = (name: string) => readFileSync(place(`${name}-catalog`, "cdk.tf.json"), "utf8");

  expect(stack("old")).toContain("old expired on 2026-11-23, so nothing was deployed.");
  expect(stack("young")).not.toContain("terraform_data");
});
