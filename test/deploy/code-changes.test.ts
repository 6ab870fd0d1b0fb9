import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { codeChanges } from "../../deploy/code-changes.ts";
import { reviewOf } from "../../deploy/review-plans.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { change, plan } from "../review/made-up.ts";

const FILE = "notebooks/order_tracking/contract/rule.py";
const root = path.join(__dirname, "../..");
const { status, stdout: committed } = spawnSync("git", ["show", `HEAD:${FILE}`], { cwd: root, encoding: "utf8" });
const [one, some, why] =
  status === 0 ? [it, describe, ""] : [it.skip, describe.skip, " (skipped: git knows no commit)"];
const withGit = (name: string, run: () => Promise<void>) => {
  one(`${name}${why}`, run);
};
const hash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 32);
const asset = (content: string) => `assets/package-rule-source_AB12/${hash(content)}/rule.py`;

withGit("finds what is deployed in the history, by the hash in its path, and tells the difference", async () => {
  const folder = temporaryFolder();
  const content = `${committed}\n\nMORE = 1\n`;
  mkdirSync(path.dirname(path.join(folder, asset(content))), { recursive: true });
  writeFileSync(path.join(folder, asset(content)), content);

  const { files, contract } = await codeChanges(folder, [{ before: asset(committed), after: asset(content) }]);

  expect(files).toMatchObject([{ file: FILE, source: asset(content), isNew: false, added: 3, removed: 0 }]);
  expect(files[0]?.diff).toMatch(/^@@ .*\n(.*\n)*\+MORE = 1$/);
  // The contract is read from the checkout, which has the same one.
  expect(contract).toEqual([]);
});

withGit("shows the whole content of a file that was not deployed before", async () => {
  const folder = temporaryFolder();
  mkdirSync(path.dirname(path.join(folder, asset("A = 1\n"))), { recursive: true });
  writeFileSync(path.join(folder, asset("A = 1\n")), "A = 1\n");

  const { files } = await codeChanges(folder, [{ after: asset("A = 1\n") }]);

  expect(files).toMatchObject([{ file: FILE, isNew: true, added: 1, removed: 0 }]);
  expect(files[0]?.diff).toContain("+A = 1");
});

some(`with a history of one commit, in which a file is elsewhere, and no other is${why}`, () => {
  const { GIT_DIR, GIT_WORK_TREE } = process.env;
  const orders = readFileSync(path.join(root, "notebooks/order_tracking/contract/orders.py"), "utf8");
  const deployed = orders.replace(/^.*"address".*\n/m, "");
  const place = (content: string) => `assets/package-orders-source_AB12/${hash(content)}/orders.py`;

  beforeAll(() => {
    const repository = temporaryFolder();
    const file = path.join(repository, "notebooks/old/orders.py");
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, deployed);
    const git = (...args: string[]) => execFileSync("git", args, { cwd: repository });
    git("init", "--quiet");
    git("add", ".");
    git("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false", "commit", "--quiet", "--message=a");
    Object.assign(process.env, { GIT_DIR: path.join(repository, ".git"), GIT_WORK_TREE: root });
  });
  afterAll(() => {
    for (const [name, value] of Object.entries({ GIT_DIR, GIT_WORK_TREE })) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  it("finds the only file of a name that is there", async () => {
    const folder = temporaryFolder();
    mkdirSync(path.dirname(path.join(folder, place("A = 1\n"))), { recursive: true });
    writeFileSync(path.join(folder, place("A = 1\n")), "A = 1\n");

    const { files } = await codeChanges(folder, [{ after: place("A = 1\n") }]);

    expect(files).toMatchObject([{ file: "notebooks/order_tracking/contract/orders.py", isNew: true }]);
  });

  it("finds files that are not committed, and tells of the contract beside a new file that it does not find", async () => {
    const folder = temporaryFolder();
    mkdirSync(path.dirname(path.join(folder, place(orders))), { recursive: true });
    writeFileSync(path.join(folder, place(orders)), orders);

    const { files, contract } = await codeChanges(folder, [
      { before: place(deployed), after: place(orders) },
      { after: "assets/a/0123/other.txt" },
    ]);

    expect(files).toMatchObject([{ file: "notebooks/order_tracking/contract/orders.py", added: 1, removed: 0 }]);
    expect(contract).toEqual([expect.stringContaining("address")]);
  });
});

withGit("tells nothing of a content that the history does not have, of another file, and of what stays", async () => {
  const unknown = { before: asset("never committed"), after: asset("x") };
  const foreign = { before: "assets/a/0123/other.txt", after: "assets/a/4567/other.txt" };
  const same = { before: asset("x"), after: asset("x") };
  expect(await codeChanges(temporaryFolder(), [unknown, foreign, same])).toEqual({ files: [], contract: [] });
});

withGit("tells nothing of a path that has no content's hash", async () => {
  const folder = temporaryFolder();
  mkdirSync(path.dirname(path.join(folder, asset(committed))), { recursive: true });
  writeFileSync(path.join(folder, asset(committed)), committed);
  const shipped = [{ before: "somewhere/rule.py", after: asset(committed) }];
  expect(await codeChanges(folder, shipped)).toEqual({ files: [], contract: [] });
});

it.each([
  ["no repository", { GIT_DIR: path.join(root, "no-repository") }],
  ["no git", { PATH: root }],
])("a review where there is %s says once that the code was not compared", async (_, variables) => {
  const directory = temporaryFolder();
  const planned = ["dev-catalog", "dev-pipeline"].map((stack) => {
    mkdirSync(path.join(directory, "stacks", stack), { recursive: true });
    writeFileSync(path.join(directory, "stacks", stack, "cdk.tf.json"), "{}");
    const [before, after] = ["A = 1\n", "A = 2\n"].map((content) => ({ source: asset(content) }));
    return { stack, json: plan([change({ type: "databricks_workspace_file", before, after })]) };
  });
  const environment = jest.replaceProperty(process, "env", { ...process.env, ...variables });

  const { notes } = await reviewOf(directory, "dev", planned, ["made from nothing"]);

  environment.restore();
  expect(notes).toEqual(["made from nothing", expect.stringMatching(/^The code was not compared .*`git log`/)]);
});
