/** The way to CDK Terrain, gone in a copy of the project by the commands in docs/develop.md. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const ROOT = path.join(__dirname, "..");
const APP = ["main.ts", "environments", "stacks", "notebooks", "cdktf.json", "tsconfig.json"];
const PACKAGES = ["package.json", "package-lock.json", ".npmrc"];

const develop = readFileSync(path.join(ROOT, "docs/develop.md"), "utf8");
const [recipe = ""] = /(?<=```sh\n)[^`]*npm:cdktn@[^`]*(?=```)/.exec(develop) ?? [];
const [version = ""] = /(?<=npm:)cdktn@[\d.]+/.exec(recipe) ?? [];

const reasonToSkip = whyNoPackage();
if (reasonToSkip) console.warn(`The way to CDK Terrain was not tested: ${reasonToSkip}`);
const withPackage = reasonToSkip ? describe.skip : describe;

jest.setTimeout(240_000);

withPackage("CDK Terrain", () => {
  let copy: string;

  beforeAll(() => {
    copy = mkdtempSync(path.join(tmpdir(), "order-tracking-terrain-"));
    for (const part of [...APP, ...PACKAGES]) cpSync(path.join(ROOT, part), path.join(copy, part), { recursive: true });
    const { status, stderr } = spawnSync("bash", ["-euc", recipe], {
      cwd: copy,
      encoding: "utf8",
      // What the app needs, and nothing of what checks and tests it.
      env: { ...process.env, npm_config_omit: "dev", npm_config_ignore_scripts: "true", npm_config_audit: "false" },
    });
    if (status !== 0) throw new Error(stderr);
  });
  afterAll(() => {
    rmSync(copy, { recursive: true });
  });

  it("is the only library there is", () => {
    const installed = JSON.parse(readFileSync(path.join(copy, "node_modules/cdktf/package.json"), "utf8")) as object;

    expect(installed).toMatchObject({ name: "cdktn" });
    expect(readdirSync(path.join(copy, "node_modules/@cdktf/provider-azurerm"))).not.toContain("node_modules");
  });

  it("has the types that the stacks are written with", () => {
    const compilerOptions = { typeRoots: [path.join(ROOT, "node_modules/@types")], types: ["node"] };
    const include = ["main.ts", "environments", "stacks"];
    const project = path.join(copy, "tsconfig.app.json");
    writeFileSync(project, JSON.stringify({ extends: "./tsconfig.json", compilerOptions, include }));
    const compiler = path.join(ROOT, "node_modules/typescript/bin/tsc");

    expect(run(copy, [compiler, "--noEmit", "--project", project])).toEqual({ status: 0, said: "" });
  });

  it("synthesizes the same stacks, but for what tells of versions", () => {
    const [terrain, ours] = [path.join(copy, "terrain"), path.join(copy, "ours")];

    expect(run(copy, ["--import", "tsx", "main.ts"], terrain)).toEqual({ status: 0, said: "" });
    expect(run(ROOT, ["--import", "tsx", "main.ts"], ours)).toEqual({ status: 0, said: "" });

    const stacks = readdirSync(path.join(ours, "stacks"));
    expect(stacks).toHaveLength(9);
    expect(readdirSync(path.join(terrain, "stacks"))).toEqual(stacks);
    for (const stack of stacks) expect(stackIn(terrain, stack)).toEqual(stackIn(ours, stack));
  });
});

/** Why the package cannot be had, or nothing. */
function whyNoPackage(): string | undefined {
  if (version === "") return "docs/develop.md has no recipe for it.";
  const { error, status, stderr } = spawnSync("npm", ["view", version, "version"], {
    encoding: "utf8",
    timeout: 30_000,
  });
  if (error) return `npm could not be started (${error.message}).`;
  return status === 0 ? undefined : `npm view ${version} failed: ${stderr.trim().split("\n")[0] ?? ""}`;
}

function run(cwd: string, args: readonly string[], output = "") {
  const env = { PATH: process.env.PATH, CDKTF_OUTDIR: output };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: "utf8", env });
  return { status, said: stdout + stderr };
}

/** A stack without the metadata of its synthesis. */
function stackIn(output: string, stack: string): unknown {
  const file = path.join(output, "stacks", stack, "cdk.tf.json");
  return JSON.parse(readFileSync(file, "utf8"), (key, value: unknown) => (key === "//" ? undefined : value));
}
