/** The shipped files whose deployed content is another one: found in the repository's history by their hashes. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { contractChanges } from "../review/contract.ts";
import type { FileChange } from "../review/running.ts";
import { currentCommit, git } from "./git.ts";

const root = path.join(__dirname, "..");
/** Where files that stacks ship are in this repository. */
const SOURCES = "notebooks";
/** Modules that the contract is made of. */
const CONTRACT = ["orders.py", "contract.py", "rule.py"];
/** How far back a deployed content is looked for, in commits that changed its file. */
const MOST_COMMITS = 200;
/** Lines of a diff that a person reads in a review. */
const MOST_LINES = 200;

/** A file that is shipped under a path with its content's hash: the deployed one, if it was there, and the one to be. */
export interface ShippedFile {
  readonly before?: string;
  readonly after: string;
}

/** `.../order_tracking-rule-source_AB12/<hash>/rule.py` of a stack's assets. */
const ASSET = /\/([0-9a-f]{32})\/([^/]+)$/;

/** What differs between the deployed code and the code to be. */
export interface CodeChanges {
  readonly files: readonly FileChange[];
  /** What the contract of the order files says otherwise. */
  readonly contract: readonly string[];
  /** Why nothing is told, where something would be. */
  readonly note?: string;
}

const WITHOUT_HISTORY =
  "The code was not compared with what is deployed: git, whose history has that, knows no commit of this checkout " +
  "(`git log` says why).";

/**
 * Compares what is deployed with what will be, file by file. Of a content that the repository's history does not have,
 * nothing is told, and nothing at all where there is no history: the rest of a review is worth reading without it.
 *
 * @param folder the stack's, with the assets to be
 */
export async function codeChanges(folder: string, shipped: readonly ShippedFile[]): Promise<CodeChanges> {
  const files: FileChange[] = [];
  const deployed = new Map<string, string>();
  let isAllKnown = true;
  const changed = shipped.filter((each) => each.before !== each.after);
  if (changed.length > 0 && !(await currentCommit())) return { files, contract: [], note: WITHOUT_HISTORY };
  for (const { before, after } of changed) {
    const file = await sourceOf(path.join(folder, after));
    const content = file && (before === undefined ? "" : await deployedContent(before));
    if (file === undefined || content === undefined) {
      if (before !== undefined) isAllKnown = false;
      continue;
    }
    if (before !== undefined) deployed.set(file, content);
    const difference = await differenceOf(content, readFileSync(path.join(folder, after), "utf8"));
    files.push({ file, source: after, isNew: before === undefined, ...difference });
  }
  const isContractKnown = isAllKnown && [...deployed.keys()].some((file) => CONTRACT.includes(path.basename(file)));
  return { files, contract: isContractKnown ? await contractSentences(deployed) : [] };
}

/** The contract of the deployed package against that of the checkout. */
async function contractSentences(deployed: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const scratch = mkdtempSync(path.join(tmpdir(), "order-tracking-contract-"));
  try {
    cpSync(path.join(root, SOURCES), path.join(scratch, SOURCES), { recursive: true });
    for (const [file, content] of deployed) writeFileSync(path.join(scratch, file), content);
    return contractChanges(await contractIn(path.join(scratch, SOURCES)), await contractIn(path.join(root, SOURCES)));
  } catch {
    // Either may be a version whose contract has another shape: the diff of its files tells it all the same.
    return [];
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

async function contractIn(folder: string): Promise<unknown> {
  const python = path.join(root, ".venv", "bin", "python");
  const { stdout } = await promisify(execFile)(
    existsSync(python) ? python : "python3",
    [path.join(root, "local", "contract.py"), folder],
    { env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" } },
  );
  return JSON.parse(stdout);
}

/** The file of this checkout that an asset is a copy of: several have the same name. */
async function sourceOf(asset: string): Promise<string | undefined> {
  const name = path.basename(asset);
  if (!existsSync(asset) || path.extname(name) !== ".py") return undefined;
  const shipped = plain(readFileSync(asset, "utf8"));
  const listed = await git(["ls-files", "--cached", "--others", "--exclude-standard", "--", everywhere(name)]);
  // What was moved, and is not committed, is listed at its old place as well.
  const files = listed.split("\n").filter((file) => file !== "" && existsSync(path.join(root, file)));
  const [only, ...others] = files;
  if (others.length === 0) return only;
  return files.find((file) => plain(readFileSync(path.join(root, file), "utf8")) === shipped);
}

/** The content that a path's hash is of, as a file of its name once was in the repository, wherever it was then. */
async function deployedContent(asset: string): Promise<string | undefined> {
  const [, hash, name] = ASSET.exec(asset) ?? [];
  if (hash === undefined || name === undefined) return undefined;
  const log = await git([
    ...["log", `--max-count=${MOST_COMMITS}`, "--format=commit %H", "--name-only", "--no-renames"],
    ...["HEAD", "--", everywhere(name)],
  ]);
  let commit = "";
  for (const line of log.split("\n").filter(Boolean)) {
    if (line.startsWith("commit ")) commit = line.slice("commit ".length);
    else {
      const content = plain(await git(["show", `${commit}:${line}`]).catch(() => ""));
      if (createHash("sha256").update(content).digest("hex").startsWith(hash)) return content;
    }
  }
  return undefined;
}

/** A pattern for git: the files of this name in any folder of the sources. */
const everywhere = (name: string) => `:(glob)${SOURCES}/**/${name}`;

/** As stacks/constructs/notebook-package.ts takes a file's hash. */
const plain = (text: string) => text.replaceAll("\r\n", "\n");

async function differenceOf(before: string, after: string): Promise<Pick<FileChange, "added" | "removed" | "diff">> {
  const scratch = mkdtempSync(path.join(tmpdir(), "order-tracking-diff-"));
  try {
    const [old, young] = [path.join(scratch, "before"), path.join(scratch, "after")];
    writeFileSync(old, before);
    writeFileSync(young, after);
    // Its exit code is 1 where the files differ, which is an error to execFile.
    const diff = await git(["diff", "--no-index", "--no-color", "--unified=2", old, young]).catch(
      (error: unknown) => (error as { stdout: string }).stdout,
    );
    const lines = diff.split("\n");
    const body = lines.slice(lines.findIndex((line) => line.startsWith("@@"))).filter((line) => line !== "");
    const count = (sign: string) => body.filter((line) => line.startsWith(sign)).length;
    const cut = body.length > MOST_LINES ? [`... ${body.length - MOST_LINES} lines more`] : [];
    return { added: count("+"), removed: count("-"), diff: [...body.slice(0, MOST_LINES), ...cut].join("\n") };
  } finally {
    rmSync(scratch, { recursive: true });
  }
}
