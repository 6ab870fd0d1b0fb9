/** The workflows of GitHub only call commands that people can run as well, and that tests run. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { runInNewContext } from "node:vm";
import { identitiesOf } from "../deploy/identities.ts";
import { dev } from "../environments/dev.ts";
import { LASTING } from "../environments/requested.ts";

const root = path.dirname(__dirname);
const read = (file: string) => readFileSync(path.join(root, file), "utf8");
const WORKFLOWS = readdirSync(path.join(root, ".github/workflows")).map((file) => `.github/workflows/${file}`);
const FILES = [...WORKFLOWS, ".github/actions/set-up/action.yml"].map((file) => ({ file, text: read(file) }));
const SCRIPTS = Object.keys((JSON.parse(read("package.json")) as { scripts: object }).scripts);
/** Of which tests run: the code of this file aside. */
const TESTS = readdirSync(path.join(root, "test"), { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(test|deploy)\.ts$|sandbox-command\.ts$/.test(file) && file !== path.basename(__filename))
  .map((file) => read(path.join("test", file)));

/** Every shell step, with its file. */
const steps = FILES.flatMap(({ file, text }) =>
  [...text.matchAll(/^\s*(?:- )?run: ?(.*)$/gm)].map(([, line = ""]) => ({ file, line })),
);

it("has steps to look at", () => {
  expect(steps.length).toBeGreaterThan(10);
});

/** A step that is no command of this project: the Azure CLI keeps the token that it fetches for later steps. */
const tokenFor = (resource: string) => `az account get-access-token --resource ${resource} --output none`;
const FOR_DATABRICKS = tokenFor("2ff814a6-3304-4ab8-85cb-cd0e6f879c1d");
/** What the provider of Databricks asks the Azure CLI for, letter by letter, as the CLI keeps tokens by that. */
const FOR_PROVIDER = [
  FOR_DATABRICKS,
  tokenFor("https://management.core.windows.net/"),
  tokenFor("https://management.azure.com/"),
];

it.each(steps.filter(({ line }) => !line.includes("order-tracking --") && !FOR_PROVIDER.includes(line)))(
  "runs a script of this project: $file: $line",
  ({ line }) => {
    expect(line).toMatch(/^npm (ci|test|run [\w:]+( -- "\$\w+")?)$/);
    expect(["ci", ...SCRIPTS]).toContain(line.split(" -- ")[0]?.split(" ").at(-1));
  },
);

/** The jobs of a workflow, each with its name. */
const jobsOf = (text: string) => text.split(/^ {2}(?=[\w-]+:$)/m).filter((each) => /^ +runs-on:/m.test(each));
const JOBS = WORKFLOWS.flatMap((file) =>
  jobsOf(read(file)).map((text) => ({ job: `${path.basename(file)} ${text.split(":")[0] ?? ""}`, text })),
);

it.each(JOBS.filter(({ text }) => text.includes("github-oidc-azure")))(
  "says which workspace it is that GitHub's word is for, since the provider does not look for it then: $job",
  ({ text }) => {
    expect(text).toContain("\n      DATABRICKS_HOST: ${{ vars.DATABRICKS_HOST }}\n");
  },
);

/** Holds a job to sign in to the Azure CLI first, then to fetch tokens, and then to do its work. */
function expectTokensFirst(job: string, tokens: readonly string[]): void {
  const command = /npm run -s order-tracking -- (apply|sandbox) /.exec(job)?.index ?? -1;
  const order = ["azure/login@", ...tokens].map((each) => job.indexOf(each));
  expect([...order, command]).not.toContain(-1);
  for (const each of order.slice(1)) expect([each > (order[0] ?? 0), each < command]).toEqual([true, true]);
}

it.each(JOBS.filter(({ text }) => /sandbox (down|reap)/.test(text)))(
  "asks for Databricks' token while GitHub's word for the job still holds: $job",
  ({ text }) => {
    expectTokensFirst(text, [FOR_DATABRICKS]);
  },
);

describe("what may make or change a storage credential", () => {
  const applying = JOBS.filter(({ text }) => / -- (apply|sandbox up) /.test(text));

  it("is the deployment of an environment and of a sandbox", () => {
    expect(applying.map(({ job }) => job)).toEqual(["environment.yml apply", "sandbox.yml up"]);
  });

  it.each(applying)("signs in so that the provider sends a token for Azure as well: $job", ({ text }) => {
    expect(text).toContain("\n      DATABRICKS_AUTH_TYPE: azure-cli\n");
    // The provider looks the workspace up then, and every environment is refused where another one is told.
    expect(text).not.toContain("DATABRICKS_HOST");
  });

  it.each(applying)("asks for all tokens while GitHub's word for the job still holds: $job", ({ text }) => {
    expectTokensFirst(text, FOR_PROVIDER);
  });
});

describe("every environment that lasts", () => {
  const names = LASTING.map(({ name }) => name);
  const matrixOf = (text: string) => /^ +environment: \[(.*)\]$/m.exec(text)?.[1];
  const isOfOne = (text: string) => /\b(matrix|inputs)\.environment\b/.test(text) && text.includes("id-token: write");

  it.each(JOBS.filter(({ text }) => matrixOf(text)))("is one of those of $job", ({ text }) => {
    expect(matrixOf(text)?.split(", ")).toEqual(names);
  });

  it.each(JOBS.filter(({ text }) => isOfOne(text)))("has its subscription told to $job", ({ text }) => {
    for (const { subscriptionIdVariable: variable } of LASTING) {
      expect(text).toContain(`\n      ${variable}: \${{ vars.${variable} }}\n`);
    }
  });

  it("is deployed", () => {
    const deployed = [...read(".github/workflows/deploy.yml").matchAll(/^ {6}environment: (.+)$/gm)];
    expect(deployed.map(([, name]) => name)).toEqual(names);
  });

  it("is looked at by the check that each pull request has to pass", () => {
    expect(read("bin/check-security.mjs")).toContain(`ORDER_TRACKING_ENVIRONMENTS: "${names.join(",")}"`);
  });
});

/** Without a function of the status, GitHub adds success(), which is false after any job that was skipped. */
const conditionOf = (job: string) => /^ {4}if: \$\{\{ (.*!cancelled\(\).*) \}\}$/m.exec(job)?.[1] ?? "undefined";

describe("what is deployed after something else", () => {
  const jobs = read(".github/workflows/deploy.yml").split(/^ {2}(?=[\w-]+:$)/m);
  const after = jobs.flatMap((job) => {
    const needed = /^ {4}needs: (.+)$/m.exec(job)?.[1];
    return needed === undefined ? [] : [{ job: job.split(":")[0] ?? "", needed, text: job }];
  });

  it("is all but the first environment", () => {
    expect(after.map(({ job }) => job)).toEqual(LASTING.slice(1).map(({ name }) => name));
  });

  it.each(
    after.flatMap((each) => [
      { ...each, result: "success", isCancelled: false, expected: true },
      { ...each, result: "success", isCancelled: true, expected: false },
      { ...each, result: "failure", isCancelled: false, expected: false },
      { ...each, result: "cancelled", isCancelled: false, expected: false },
      { ...each, result: "skipped", isCancelled: false, expected: false },
    ]),
  )(
    "$job, where $needed ends in $result and the run is cancelled ($isCancelled): $expected",
    ({ needed, text, result, isCancelled, expected }) => {
      const context = { needs: { [needed]: { result } }, cancelled: () => isCancelled };
      expect(runInNewContext(conditionOf(text), context)).toBe(expected);
    },
  );
});

describe("the jobs of an environment, which Deploy calls also after jobs that were skipped", () => {
  const [plan = "", apply = ""] = jobsOf(read(".github/workflows/environment.yml"));

  it.each([
    { result: "success", planned: "changes", isCancelled: false, expected: [true, true] },
    { result: "success", planned: "none", isCancelled: false, expected: [true, false] },
    { result: "success", planned: "changes", isCancelled: true, expected: [false, false] },
    { result: "failure", planned: "", isCancelled: false, expected: [true, false] },
    { result: "cancelled", planned: "", isCancelled: false, expected: [true, false] },
  ])(
    "run, where the plan ends in $result with $planned and the run is cancelled ($isCancelled): $expected",
    ({ result, planned, isCancelled, expected }) => {
      const context = {
        needs: { plan: { result, outputs: { result: planned } } },
        cancelled: () => isCancelled,
      };
      const conditions = [plan, apply].map((job) => conditionOf(job));
      expect(conditions.map((condition): unknown => runInNewContext(condition, context))).toEqual(expected);
    },
  );
});

describe("the sandbox of a pull request", () => {
  const jobs = jobsOf(read(".github/workflows/sandbox.yml"));

  /** Which jobs an event starts, as GitHub reads their conditions. */
  function started(action: string, { state = "open", labels = ["sandbox"], label = "", fork = false }): string[] {
    const github = {
      repository: "example/order-tracking",
      event: {
        ...{ action, label: { name: label } },
        pull_request: {
          ...{ state, labels: labels.map((name) => ({ name })) },
          head: { repo: { full_name: fork ? "somebody/order-tracking" : "example/order-tracking" } },
        },
      },
    };
    return jobs.flatMap((job) => {
      const condition = /^ {4}if: >-\n((?: {6}.*\n)+)/m.exec(job)?.[1] ?? "false";
      const script = condition.replaceAll(/([\w.]+)\.\*\.name/g, "$1.map(({ name }) => name)");
      const contains = (list: readonly string[], item: string) => list.includes(item);
      return runInNewContext(script, { github, contains }) === true ? [job.split(":")[0] ?? ""] : [];
    });
  }

  it.each([
    ["labeled", { label: "sandbox" }, ["up"]],
    ["synchronize", {}, ["up"]],
    ["reopened", {}, ["up"]],
    ["unlabeled", { label: "sandbox", labels: [] }, ["down"]],
    ["closed", { state: "closed" }, ["down"]],
    ["labeled", { label: "urgent" }, []],
    ["unlabeled", { label: "urgent" }, []],
    ["labeled", { label: "urgent", state: "closed" }, []],
    ["labeled", { label: "sandbox", state: "closed" }, []],
    ["synchronize", { labels: ["urgent"] }, []],
    ["closed", { state: "closed", labels: [] }, []],
    ["labeled", { label: "sandbox", fork: true }, []],
    ["closed", { state: "closed", fork: true }, []],
  ])("%s with %j starts %j", (action, event, expected) => {
    expect(started(action, event)).toEqual(expected);
  });

  it("waits in a queue that no event enters which no job is for", () => {
    const groups = jobs.map(
      (job) => /^ {4}concurrency:.*\n {6}(group: .*)\n {6}cancel-in-progress: false$/m.exec(job)?.[1],
    );

    expect(groups).toHaveLength(2);
    expect(new Set(groups)).toEqual(new Set(["group: sandbox-${{ github.event.pull_request.number }}"]));
    expect(read(".github/workflows/sandbox.yml")).not.toMatch(/^concurrency:/m);
  });
});

const commands = steps.flatMap(({ file, line }) => {
  const words = /^npm run -s order-tracking -- (.+)$/.exec(line)?.[1]?.split(" ");
  return words ? [{ file, line, words }] : [];
});
const isThere = ({ words }: { words: readonly string[] }) =>
  existsSync(path.join(root, "cli", "commands", `${words[0]}.ts`));
const missing = commands.filter((each) => !isThere(each));
if (missing.length > 0) console.warn(`Not looked at, since the command is not in this checkout: ${missing[0]?.line}`);

it.each(commands.filter(isThere))(
  "runs a command that tests run, with options that it has: $file: $line",
  async ({ words }) => {
    const [command = "", ...args] = words;
    const { usage } = (await import(`../cli/commands/${command}.ts`)) as { usage: string };

    for (const option of args.filter((word) => word.startsWith("--"))) expect(usage).toContain(option);
    const [subcommand] = args.filter((word) => /^[a-z]+$/.test(word));
    const called = `"${subcommand ?? command}"`;
    expect(TESTS.filter((text) => text.includes(called)).length).toBeGreaterThan(0);
  },
);

it.each(FILES)("names every action by a full commit, and says which version it is: $file", ({ text }) => {
  for (const [, action = ""] of text.matchAll(/uses: (.+)$/gm)) {
    expect(action).toMatch(/^(\.\/\.github\/|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/);
  }
});

it.each(WORKFLOWS)("gives nothing away by default, and a reason for each right: %s", (file) => {
  const text = read(file);
  expect(text).toMatch(/^permissions: \{\}$/m);
  for (const [line] of text.matchAll(/^ +[\w-]+: (read|write)\b.*$/gm)) expect(line).toMatch(/ # \S/);
  expect(text).not.toMatch(/secrets\.|pull_request_target|secrets: inherit/);
});

it.each(WORKFLOWS)("plans where all commits are, to compare with what is deployed: %s", (file) => {
  const jobs = read(file).split(/^ {2}(?=[\w-]+:$)/m);
  for (const job of jobs.filter((each) => each.includes(" github plan "))) expect(job).toContain("fetch-depth: 0 #");
});

it("keeps what applies from being ended, and from a second one beside it", () => {
  for (const file of ["deploy", "sandbox", "reap"]) {
    const text = read(`.github/workflows/${file}.yml`);
    expect(text).toContain("concurrency:");
    expect(text).not.toContain("cancel-in-progress: true");
  }
  for (const { name } of LASTING) expect(read(".github/workflows/deploy.yml")).toContain(`state-${name}`);
});

it("signs in only where an identity is made for the workflow and its environment", () => {
  const all = LASTING.flatMap(({ name }) => identitiesOf(name, name === dev.name));
  const named = new Set(all.flatMap(({ workflows }) => workflows));
  const withIdentity = WORKFLOWS.map(read).filter((text) => text.includes("id-token: write"));
  const names = withIdentity.map((text) => /^name: (.+)$/m.exec(text)?.[1]);

  // A workflow that another calls has the caller's name.
  expect(new Set(names.filter((name) => name !== "Environment"))).toEqual(named);
  for (const { environment } of all) {
    const ofMatrix = environment.replace(/^(dev|staging|prod)/, "${{ matrix.environment }}");
    const ofInput = environment.replace(/^(dev|staging|prod)/, "${{ inputs.environment }}");
    const isUsed = withIdentity.some((text) =>
      [environment, ofMatrix, ofInput].some((each) => text.includes(`environment: ${each}\n`)),
    );
    expect([environment, isUsed]).toEqual([environment, true]);
  }
});
