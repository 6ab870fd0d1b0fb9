/**
 * Reviews of real plans, recorded by record-plans.ts, as people read them. After a change that is meant:
 *
 *     RECORD_REVIEWS=1 npx jest test/review/recorded.test.ts
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { asMarkdown } from "../../review/markdown.ts";
import { readPlan, record, records, text } from "../../review/plan.ts";
import { review } from "../../review/review.ts";
import { Secrets } from "../../review/secrets.ts";
import { typeInWords } from "../../review/words.ts";

const PLANS = path.join(__dirname, "plans");
const REVIEWS = path.join(__dirname, "reviews");
const KINDS = ["platform", "catalog", "pipeline"];
const scenarios = [...new Set(readdirSync(PLANS).map((file) => file.replace(/-[a-z]+\.json$/, "")))];

const reviewed = (scenario: string) =>
  review(
    "shop",
    KINDS.filter((kind) => readdirSync(PLANS).includes(`${scenario}-${kind}.json`)).map((kind) => ({
      stack: `shop-${kind}`,
      json: JSON.parse(readFileSync(path.join(PLANS, `${scenario}-${kind}.json`), "utf8")) as unknown,
    })),
  );

it.each(scenarios)("reviews the plan of %s as it is recorded", (scenario) => {
  const file = path.join(REVIEWS, `${scenario}.md`);
  const markdown = asMarkdown(reviewed(scenario));
  if (process.env.RECORD_REVIEWS) {
    mkdirSync(REVIEWS, { recursive: true });
    writeFileSync(file, markdown);
  }
  expect(markdown).toBe(readFileSync(file, "utf8"));
});

describe.each(KINDS)("of what is in the stack %s", (kind) => {
  const changesOf = (scenario: string) =>
    records(record(JSON.parse(readFileSync(path.join(PLANS, `${scenario}-${kind}.json`), "utf8"))).resource_changes);
  const made = new Map(changesOf("first").map((each) => [text(each.address), each]));
  const deleted = changesOf("destroyed").filter(({ address }) => made.has(text(address)));

  it.each(deleted.map((each) => [text(each.address), each] as const))(
    "finds no danger in place where somebody has deleted %s, and it is made anew as it was",
    (address, drift) => {
      const json = { format_version: "1.2", resource_changes: [made.get(address)], resource_drift: [drift] };
      expect(review("shop", [{ stack: `shop-${kind}`, json }]).inPlace).toEqual([]);
    },
  );
});

it("has words for each type of the stacks", () => {
  const types = readdirSync(PLANS).flatMap((file) =>
    readPlan("", JSON.parse(readFileSync(path.join(PLANS, file), "utf8")), new Secrets()).changes.map(
      ({ type }) => type,
    ),
  );
  expect(types).toContain("databricks_storage_credential");
  expect([...new Set(types)].filter((type) => typeInWords(type).includes("_"))).toEqual([]);
});

it("shows the secret of no plan", () => {
  const url = "https://hooks.example.com/slack";
  const plan = readFileSync(path.join(PLANS, "first-pipeline.json"), "utf8");
  expect(plan).toContain(url);
  for (const scenario of scenarios) expect(JSON.stringify(reviewed(scenario))).not.toContain(url);
});

// What no golden file may ever be changed to leave out.
it.each([
  ["first", "changes", {}],
  ["nothing-changed", "nothing", {}],
  [
    "renamed-container",
    "second look",
    { loss: ["container `eventsource`", "volume `order_files`", "what becomes of the container `eventsource`"] },
  ],
  ["container-that-must-last", "failed", { warnings: ["Terraform could not finish"] }],
  ["revoked-grant", "changes", { access: ["`order-tracking-analysts` loses `SELECT`"] }],
  ["changed-rule", "changes", { running: ["`order_tracking/contract/orders.py` changes"] }],
  [
    "other-job",
    "second look",
    {
      running: ["`[shop] orders_tracking_incremental_load` is changed"],
      inPlace: ["The alert `[shop] quarantined_percent` changes in place. Nothing starts it by itself"],
      costs: ["ceases to start by itself"],
    },
  ],
  [
    "opened-network",
    "second look",
    {
      loss: ["storage account `ordertrackingshop`", "workspace `dbw-order-tracking-shop`"],
      inPlace: [
        "17 things are deleted.",
        "private DNS zone `privatelink.dfs.core.windows.net`",
        "subnet `hosts`",
        "`network_rules.default_action`: `Deny` → `Allow`",
      ],
    },
  ],
  ["forgotten-volume", "second look", { loss: ["volume `order_files`", "terraform import databricks_volume."] }],
  ["moved-schema", "changes", {}],
  [
    "destroyed",
    "second look",
    {
      loss: [
        "catalog `orders_shop`",
        "container `eventsource`",
        "volume `checkpoint`",
        "Databricks brings none of them back",
      ],
    },
  ],
  ["changed-by-hand", "changes", { access: ["`order-tracking-loaders` gains `READ_VOLUME`"] }],
] as const)(
  "says of %s what matters",
  (
    scenario,
    verdict,
    words: Partial<Record<"loss" | "access" | "running" | "costs" | "inPlace" | "warnings", readonly string[]>>,
  ) => {
    const found = reviewed(scenario);
    expect(found.verdict).toBe(verdict);
    for (const [tier, sentences] of Object.entries(words)) {
      const told = JSON.stringify(found[tier as keyof typeof words]);
      for (const sentence of sentences) expect(told).toContain(sentence);
    }
  },
);
