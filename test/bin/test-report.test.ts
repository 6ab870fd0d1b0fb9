import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { temporaryFolder } from "../local/stack-on-disk.ts";

// What runs before anything is installed is asked as it runs: by Node alone, without jest's transform.
const moduleAt = (name: string) => pathToFileURL(path.join(__dirname, "..", "..", "bin", name)).href;

function evaluate(imported: string, from: string, expression: string): unknown {
  const script = `import { ${imported} } from "${moduleAt(from)}"; console.log(JSON.stringify(${expression}));`;
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" }));
}

const JEST = JSON.stringify({
  testResults: [
    {
      name: "/checkout/test/a.test.ts",
      status: "failed",
      assertionResults: [
        { fullName: "works", status: "passed", duration: 1500 },
        { fullName: "breaks", status: "failed", duration: 10 },
        { fullName: "in a cloud (skipped: there is none)", status: "pending", duration: null },
      ],
    },
    { name: "/checkout/test/b.test.ts", status: "failed", message: "  cannot be read\nat", assertionResults: [] },
  ],
});
const PYTEST = `<?xml version="1.0"?><testsuites><testsuite tests="3">
<testcase classname="test.test_a" name="test_one[&lt;x&gt;]" time="2.5" />
<testcase classname="test.test_a" name="test_two" time="0.1"><failure message="no">trace</failure></testcase>
<testcase classname="test.test_b" name="test_three" time="0"><skipped type="pytest.skip" message="no &quot;cloud&quot;">x</skipped></testcase>
</testsuite></testsuites>`;

test("the results of both runners become one list", () => {
  expect(evaluate("jestResults", "test-report.mjs", `jestResults(${JSON.stringify(JEST)}, "/checkout")`)).toEqual([
    { file: "test/a.test.ts", name: "works", outcome: "passed", seconds: 1.5 },
    { file: "test/a.test.ts", name: "breaks", outcome: "failed", seconds: 0.01 },
    {
      file: "test/a.test.ts",
      name: "in a cloud (skipped: there is none)",
      outcome: "skipped",
      seconds: 0,
      reason: "there is none",
    },
    { file: "test/b.test.ts", name: "cannot be read", outcome: "failed", seconds: 0 },
  ]);
  expect(evaluate("pytestResults", "test-report.mjs", `pytestResults(${JSON.stringify(PYTEST)})`)).toEqual([
    { file: "test/test_a.py", name: "test_one[<x>]", outcome: "passed", seconds: 2.5 },
    { file: "test/test_a.py", name: "test_two", outcome: "failed", seconds: 0.1 },
    { file: "test/test_b.py", name: "test_three", outcome: "skipped", seconds: 0, reason: 'no "cloud"' },
  ]);
});

test("the report shows what takes long, what was skipped and why, what failed, and ends with the counts", () => {
  const results = [
    { file: "a", name: "quick", outcome: "passed", seconds: 0.1 },
    { file: "a", name: "slow", outcome: "passed", seconds: 3 },
    { file: "b", name: "bad", outcome: "failed", seconds: 1 },
    { file: "c", name: "one", outcome: "skipped", seconds: 0, reason: "no cloud" },
    { file: "c", name: "two", outcome: "skipped", seconds: 0, reason: "no cloud" },
  ];
  const { lines, failed } = evaluate("report", "test-report.mjs", `report(${JSON.stringify(results)})`) as {
    lines: string[];
    failed: number;
  };
  expect(failed).toBe(1);
  expect(lines.slice(0, 3)).toEqual(["Test files, the slowest first", "     3.1 s  a", "     1.0 s  b"]);
  expect(lines).toContain("     3.0 s  a: slow");
  expect(lines.slice(-5)).toEqual([
    "Skipped",
    "  2 in c: no cloud",
    "Failed",
    "  b: bad",
    "2 passed, 1 failed, 2 skipped",
  ]);
});

test("a change reaches the tests that import it, or what it names, through both languages", () => {
  const files = {
    "cli/main.ts": 'import("./track.ts")',
    "cli/track.ts": 'import { x } from "../local/kernel.ts"',
    "local/kernel.ts": 'spawn("kernel.py")',
    "local/kernel.py": "from notebook import run",
    "local/notebook.py": "",
    "notebooks/order_tracking/rows/merge.py": "import json",
    "notebooks/queries/orders.sql": "SELECT 1",
    "stacks/stack.ts": 'join(root, "notebooks")',
    "test/cli/track.test.ts": 'run("cli/main.ts")',
    "test/stack.test.ts": 'import { y } from "../stacks/stack.ts"',
    "test/notebooks/conftest.py": "",
    "test/notebooks/test_merge.py": "from order_tracking.rows.merge import merge",
    "test/notebooks/test_stage.py": "from order_tracking.rows import merge, stage",
    "test/notebooks/test_queries.py": 'ROOT / "queries"',
    "test/other.test.ts": "",
  };
  const reachedBy = (changed: string) =>
    evaluate(
      "affectedTests",
      "affected-tests.mjs",
      `affectedTests(${JSON.stringify(Object.keys(files))}, (name) => (${JSON.stringify(files)})[name], ["${changed}"])`,
    );
  expect(reachedBy("local/notebook.py")).toEqual(["test/cli/track.test.ts"]);
  expect(reachedBy("notebooks/order_tracking/rows/merge.py")).toEqual([
    "test/notebooks/test_merge.py",
    "test/notebooks/test_stage.py",
    "test/stack.test.ts",
  ]);
  expect(reachedBy("notebooks/queries/orders.sql")).toEqual(["test/notebooks/test_queries.py", "test/stack.test.ts"]);
  expect(reachedBy("test/notebooks/conftest.py")).toEqual([
    "test/notebooks/test_merge.py",
    "test/notebooks/test_queries.py",
    "test/notebooks/test_stage.py",
  ]);
  expect(reachedBy("test/other.test.ts")).toEqual(["test/other.test.ts"]);
});

test("a file that git takes for one of another name has changed under both", () => {
  const checkout = temporaryFolder();
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@example.com", ...args], { cwd: checkout });
  writeFileSync(path.join(checkout, "old.py"), "def pool(): ...\n".repeat(9));
  git("init", "-q");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  git("mv", "old.py", "new.py");
  writeFileSync(path.join(checkout, "untracked.py"), "");
  const changed = evaluate("changedFiles", "git-files.mjs", `changedFiles(${JSON.stringify(checkout)})`);
  expect(changed).toEqual(["new.py", "old.py", "untracked.py"]);
});
