/** What is sensitive is nowhere in a review, and nothing in a plan stops one: held by plans that chance makes. */
import fc from "fast-check";
import { asMarkdown, COMMENT_LIMIT } from "../../review/markdown.ts";
import { review } from "../../review/review.ts";
import { asLines } from "../../review/terminal.ts";
import { change, plan } from "./made-up.ts";

const everyForm = (json: unknown) => {
  const found = review("prod", [{ stack: "prod-platform", json }]);
  return [asMarkdown(found), asLines(found).join("\n"), JSON.stringify(found)];
};

const SECRET = "h4nds-off";
const types = [
  "azurerm_storage_account",
  "databricks_grants",
  "databricks_job",
  "databricks_volume",
  "azurerm_role_assignment",
];

/** A value with a secret somewhere in it, and the marks that Terraform puts beside it. */
const marked: fc.Arbitrary<{ value: unknown; mark: unknown }> = fc.letrec<{ node: { value: unknown; mark: unknown } }>(
  (tie) => ({
    node: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom(
        { value: SECRET, mark: true },
        { value: { deep: [SECRET] }, mark: true },
        { value: `a line\n${SECRET}`, mark: true },
        { value: "public", mark: false },
      ),
      fc
        .array(tie("node"), { maxLength: 3 })
        .map((nodes) => ({ value: nodes.map(({ value }) => value), mark: nodes.map(({ mark }) => mark) })),
      fc
        .dictionary(
          fc.constantFrom("name", "url", "access_control", "grant", "principal", "tags", "identity", "parameter"),
          tie("node"),
          { maxKeys: 3 },
        )
        .map((nodes) => ({
          value: Object.fromEntries(Object.entries(nodes).map(([name, { value }]) => [name, value])),
          mark: Object.fromEntries(Object.entries(nodes).map(([name, { mark }]) => [name, mark])),
        })),
    ),
  }),
).node;

test("once sensitive, a value is in no form of a review: not on the other side, not in another text", () => {
  const block = fc
    .dictionary(fc.constantFrom("name", "grant", "trigger", "owner", "source", "tags"), marked)
    .map((nodes) => ({
      value: Object.fromEntries(Object.entries(nodes).map(([name, { value }]) => [name, value])),
      mark: Object.fromEntries(Object.entries(nodes).map(([name, { mark }]) => [name, mark])),
    }));
  const actions = fc.constantFrom(
    ["update"],
    ["delete", "create"],
    ["create"],
    ["delete"],
    ["forget"],
    ["no-op"],
    ["read"],
    ["explode"],
  );
  fc.assert(
    fc.property(block, block, actions, fc.constantFrom(...types), (before, after, acts, type) => {
      const json = plan([
        change({
          type,
          actions: acts,
          before: before.value,
          after: after.value,
          before_sensitive: before.mark,
          after_sensitive: after.mark,
        }),
        // What is known to be secret is so wherever else it turns up.
        change({
          address: `other.${SECRET}`,
          type,
          actions: ["update"],
          before: { name: "a" },
          after: { name: `b ${SECRET} c` },
        }),
        change({ actions: ["update"], before: { key: SECRET }, after: { key: "x" }, before_sensitive: { key: true } }),
      ]);
      for (const form of everyForm(json)) expect(form).not.toContain(SECRET);
    }),
    { numRuns: 100 },
  );
});

test("a sensitive variable, an output, and encoded forms of a value are masked as well", () => {
  const url = 'https://hooks.example.com/"T0/é"?a b';
  const shown = [url, encodeURIComponent(url), Buffer.from(url).toString("base64"), JSON.stringify(url).slice(1, -1)];
  const json = {
    ...plan([
      change({
        type: "databricks_job",
        actions: ["update"],
        before: { name: "a" },
        after: { name: shown.join(" and ") },
      }),
    ]),
    variables: { slack_url: { value: url } },
    configuration: { root_module: { variables: { slack_url: { sensitive: true } } } },
  };
  for (const form of everyForm(json)) for (const each of shown) expect(form).not.toContain(each);
});

test.each([
  ["in the plan", {}, { options: true }],
  ["before others deleted it", { options: true }, {}],
])(
  "what is marked as sensitive only %s is masked in what is made anew as well",
  (_, before_sensitive, after_sensitive) => {
    const type = "databricks_catalog";
    // The short one is masked only where it is marked, the long one wherever else it turns up.
    const side = (short: string, long: string) => ({ name: "orders", options: { short, long } });
    const drift = change({ type, actions: ["delete"], before: side("x1", "old-token"), after: null, before_sensitive });
    const made = change({ type, actions: ["create"], before: null, after: side("y2", "new-token"), after_sensitive });
    const elsewhere = change({ actions: ["update"], before: { name: "old-token" }, after: { name: "new-token" } });
    for (const form of everyForm(plan([made, elsewhere], { resource_drift: [drift] }))) {
      expect(form).toContain("was deleted by somebody else");
      expect(form).not.toMatch(/x1|y2|-token/);
    }
  },
);

test.each(["loss", "details", "headline", "second look", "update", "never", "Moved"])(
  "a secret that is like the review's own word %s changes nothing that programs read",
  (secret) => {
    const schema = { type: "databricks_schema", address: "databricks_schema.a" };
    const changes = [
      change({ actions: ["update"], before: { name: "a", x: 1 }, after: { name: "a", x: 2 } }),
      change({ ...schema, actions: ["no-op"], previous_address: "databricks_schema.b" }),
      change({ type: "azurerm_resource_group", actions: ["delete"], before: { name: "a" }, after: null }),
    ];
    const marked = (value: string) => ({
      ...plan(changes),
      variables: { it: { value } },
      configuration: { root_module: { variables: { it: { sensitive: true } } } },
    });
    const reviewed = (value: string) => review("prod", [{ stack: "prod-platform", json: marked(value) }]);
    const decided = ({ verdict, counts, loss, rest }: ReturnType<typeof review>) => ({
      ...{ verdict, counts, titles: rest.map(({ title }) => title) },
      losses: loss.map(({ action, recovery }) => [action, recovery.how]),
    });
    expect(decided(reviewed(secret))).toEqual(decided(reviewed("what is nowhere")));
    expect(asMarkdown(reviewed(secret))).toContain("1 moved");
    expect(asMarkdown(reviewed(secret))).not.toContain("undefined");
  },
);

test("a value is masked before a text that has it is cut, also where the cut goes through it", () => {
  const address = "databricks_schema.forgotten";
  const before = "a text that is longer than what is shown of one, ".repeat(4);
  const json = (start: number) => {
    const told = `${before.slice(0, start)} ${SECRET}`.padEnd(200, ".");
    return {
      ...plan(
        [change({ type: "databricks_schema", address, actions: ["forget"], before: { id: told }, after: null })],
        {
          checks: [{ address: { to_display: told }, status: "fail", instances: [{ problems: [{ message: told }] }] }],
          deferred_changes: [{ reason: told, resource_change: { address: told } }],
          action_invocations: [{ address: told }],
        },
      ),
      variables: { it: { value: SECRET } },
      configuration: { root_module: { variables: { it: { sensitive: true } } } },
    };
  };
  for (let start = 90; start < 165; start++) {
    for (const form of everyForm(json(start))) expect(form).not.toMatch(/h4n|4nds/);
  }
});

test("a value of any length is masked, and stops no review", () => {
  const long = "a certificate's line, ".repeat(5_000);
  const json = plan([
    change({ actions: ["update"], before: { key: long }, after: { key: "x" }, before_sensitive: { key: true } }),
    change({ address: "other.a", actions: ["update"], before: { name: "a" }, after: { name: `b ${long} c` } }),
  ]);
  for (const form of everyForm(json)) expect(form).not.toContain("certificate");
});

test("no JSON stops a review, and none makes a comment too long", () => {
  const anything = fc.jsonValue({ maxDepth: 4 });
  const field = fc.constantFrom(
    "resource_changes",
    "resource_drift",
    "output_changes",
    "deferred_changes",
    "checks",
    "relevant_attributes",
    "variables",
    "configuration",
    "action_invocations",
    "prior_state",
  );
  const oddPlan = fc.dictionary(field, anything).map((odd) => ({ format_version: "1.2", ...odd }));
  const oddChange = fc
    .record({
      address: anything,
      type: fc.constantFrom(...types),
      deposed: anything,
      action_reason: anything,
      change: fc.dictionary(
        fc.constantFrom(
          "actions",
          "before",
          "after",
          "after_unknown",
          "before_sensitive",
          "after_sensitive",
          "replace_paths",
          "importing",
        ),
        anything,
      ),
    })
    .map((odd) => ({ format_version: "1.2", resource_changes: [odd], resource_drift: [odd] }));
  fc.assert(
    fc.property(fc.oneof(anything, oddPlan, oddChange), (json) => {
      const [markdown = ""] = everyForm(json);
      expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(COMMENT_LIMIT);
    }),
    { numRuns: 200 },
  );
});
