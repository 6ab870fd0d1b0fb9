import { execFileSync } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";

// What runs before anything is installed is asked as it runs: by Node alone, without jest's transform.
const report = pathToFileURL(path.join(__dirname, "..", "..", "bin", "security-report.mjs")).href;

const CONFIGURATION = `
framework: [terraform_json]
soft-fail-on:
  - CKV_AZURE_1 # a reason
`;
const PLATFORM = "/stacks/prod-platform/cdk.tf.json";
const BROKEN = "/stacks/broken/cdk.tf.json";
const found = (check_id: string, file_path = PLATFORM) => ({
  check_id,
  check_name: "a name",
  resource: "r",
  file_path,
});
/** A scan in which all is as it should be. */
const SCAN = { passed: [found("CKV_AZURE_2")], failed: [found("CKV_AZURE_1"), found("CKV_AZURE_3", BROKEN)] };

function judge(scan: object = SCAN, configuration = CONFIGURATION, stacks = [PLATFORM]) {
  const code = `import { acceptedChecks, judge } from ${JSON.stringify(report)};
    const [scan, configuration, stacks, broken] = ${JSON.stringify([scan, configuration, stacks, BROKEN])};
    console.log(JSON.stringify(judge(scan, acceptedChecks(configuration), stacks, broken)))`;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
  return JSON.parse(said) as { problems: string[]; notes: string[] };
}

it("passes what is accepted, and says why and how often", () => {
  expect(judge()).toEqual({ problems: [], notes: ["CKV_AZURE_1 (1): a reason"] });
});

it.each([
  [
    "a finding that is not accepted",
    [{ ...SCAN, failed: [...SCAN.failed, found("CKV2_AZURE_4")] }],
    `CKV2_AZURE_4 a name: r in ${PLATFORM}`,
  ],
  [
    "a check that is accepted without a reason",
    [SCAN, "soft-fail-on:\n  - CKV_AZURE_1"],
    "CKV_AZURE_1 is accepted without a reason",
  ],
  [
    "a check that is accepted, but found nowhere else than in what is broken",
    [{ ...SCAN, failed: [found("CKV_AZURE_1", BROKEN), found("CKV_AZURE_3", BROKEN)] }],
    "CKV_AZURE_1 is accepted, but found nowhere: remove it",
  ],
  [
    "a stack that was not looked at",
    [SCAN, CONFIGURATION, [PLATFORM, "/stacks/x"]],
    "nothing was checked in /stacks/x",
  ],
  [
    "a scan that finds nothing wrong in what is broken",
    [{ ...SCAN, failed: [found("CKV_AZURE_1"), found("CKV_AZURE_1", BROKEN)] }],
    "the stack that is broken on purpose was found to be in order: the scan sees nothing",
  ],
] as [string, Parameters<typeof judge>, string][])("fails on %s", (_, given, problem) => {
  expect(judge(...given).problems).toEqual([problem]);
});
