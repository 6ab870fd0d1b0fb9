import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { codeChanges } from "../../deploy/code-changes.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

const FILE = "notebooks/order_tracking/contract/rule.py";
const root = path.join(__dirname, "../..");
const committed = execFileSync("git", ["show", `HEAD:${FILE}`], { cwd: root, encoding: "utf8" });
const hash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 32);
const asset = (content: string) => `assets/package-rule-source_AB12/${hash(content)}/rule.py`;

it("finds what is deployed in the history, by the hash in its path, and tells the difference", async () => {
  const folder = temporaryFolder();
  const content = `${committed}\n\nMORE = 1\n`;
  mkdirSync(path.dirname(path.join(folder, asset(content))), { recursive: true });
  writeFileSync(path.join(folder, asset(content)), content);

  const { files, contract } = await codeChanges(folder, [{ before: asset(committed), after: asset(content) }]);

  expect(files).toMatchObject([{ file: FILE, added: 3, removed: 0 }]);
  expect(files[0]?.diff).toMatch(/^@@ .*\n(.*\n)*\+MORE = 1$/);
  // The contract is read from the checkout, which has the same one.
  expect(contract).toEqual([]);
});

it("tells nothing of a content that the history does not have, of another file, and of what stays", async () => {
  const unknown = { before: asset("never committed"), after: asset("x") };
  const foreign = { before: "assets/a/0123/other.txt", after: "assets/a/4567/other.txt" };
  const same = { before: asset("x"), after: asset("x") };
  expect(await codeChanges(temporaryFolder(), [unknown, foreign, same])).toEqual({ files: [], contract: [] });
});

it("tells nothing of a path that has no content's hash", async () => {
  const folder = temporaryFolder();
  mkdirSync(path.dirname(path.join(folder, asset(committed))), { recursive: true });
  writeFileSync(path.join(folder, asset(committed)), committed);
  const shipped = [{ before: "somewhere/rule.py", after: asset(committed) }];
  expect(await codeChanges(folder, shipped)).toEqual({ files: [], contract: [] });
});
