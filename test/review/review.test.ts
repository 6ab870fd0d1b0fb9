/** What a review says, of plans that are made up: one thing of each. */
import { asMarkdown, COMMENT_LIMIT } from "../../review/markdown.ts";
import { HOLDING_TYPES } from "../../review/loss.ts";
import { type Review, review, type Surroundings } from "../../review/review.ts";
import { asLines } from "../../review/terminal.ts";
import { STATEFUL_TYPES } from "../../stacks/guard-rails/stateful-types.ts";
import { change, plan } from "./made-up.ts";

const reviewed = (json: unknown, surroundings?: Surroundings): Review =>
  review("prod", [{ stack: "prod-catalog", json }], surroundings);
const account = (rest: object) => change({ type: "azurerm_storage_account", ...rest });
const headlines = (found: readonly { headline: string }[]) => found.map(({ headline }) => headline);
const CATALOG = { name: "orders", force_destroy: true };

describe("what may be lost", () => {
  it("knows each type that the guard rails call stateful", () => {
    expect(HOLDING_TYPES).toEqual(expect.arrayContaining([...STATEFUL_TYPES]));
  });

  it("ranks what nothing brings back before what can come back", () => {
    const { loss } = reviewed(
      plan([
        change({
          type: "databricks_volume",
          actions: ["delete"],
          before: { name: "files", volume_type: "EXTERNAL", storage_location: "abfss://a" },
          after: null,
        }),
        change({ type: "databricks_catalog", actions: ["delete"], before: CATALOG, after: null }),
        account({
          actions: ["delete", "create"],
          before: { name: "lake", is_hns_enabled: true },
          after: { name: "lake", is_hns_enabled: false },
          replace_paths: [["is_hns_enabled"]],
        }),
      ]),
    );
    expect(loss.map(({ recovery }) => recovery.how)).toEqual(["never", "perhaps", "nothing is lost"]);
    expect(loss[0]).toMatchObject({ forcedBy: ["`is_hns_enabled`: `true` → `false`"], needsSecondLook: true });
  });

  it("says how long a container can be restored, and by what, from its account's days", () => {
    const { loss } = reviewed(
      plan([
        account({ before: { name: "lake", blob_properties: [{ container_delete_retention_policy: [{ days: 9 }] }] } }),
        change({
          type: "azurerm_storage_container",
          actions: ["delete"],
          before: { name: "orders", storage_account_id: "/subscriptions/x/storageAccounts/lake" },
          after: null,
        }),
      ]),
    );
    expect(loss[0]?.recovery.how).toBe("by command");
    expect(loss[0]?.recovery.sentences[0]).toContain("For 9 days");
    expect(loss[0]?.recovery.sentences[0]).toContain(
      "az storage container restore --auth-mode login --account-name lake --name orders",
    );
  });

  it("tells of what is kept for less long, and not of what is kept for longer", () => {
    const policy = (days: number | null) => ({
      rule: [
        { name: "archive", actions: [{ base_blob: [{ delete_after_days_since_modification_greater_than: days }] }] },
      ],
    });
    const changed = (before: number | null, after: number | null) =>
      reviewed(
        plan([
          change({
            type: "azurerm_storage_management_policy",
            actions: ["update"],
            before: policy(before),
            after: policy(after),
          }),
        ]),
      ).loss;
    expect(headlines(changed(null, 90))[0]).toContain("kept archived files for ever, and keeps them for 90 days");
    expect(headlines(changed(90, 30))[0]).toContain("kept archived files for 90 days, and keeps them for 30 days");
    expect(headlines(changed(-1, 90))[0]).toContain("kept archived files for ever, and keeps them for 90 days");
    expect([...changed(30, 90), ...changed(30, null), ...changed(90, -1), ...changed(-1, -1)]).toEqual([]);
    const rules = (...rule: object[]) => ({ rule });
    const rule = (name: string, prefix: string, more: object = {}) => ({
      ...policy(30).rule[0],
      ...{ name, enabled: true, filters: [{ prefix_match: [prefix] }], ...more },
    });
    const archive = rule("archive", "orders/archive/");
    const ofRules = (before: object, after: object) =>
      reviewed(plan([change({ type: "azurerm_storage_management_policy", actions: ["update"], before, after })])).loss;
    for (const [before, after] of [
      [rules(archive), rules(archive, rule("all", "orders/"))],
      [rules(archive), rules(rule("archive", "orders/"))],
      [rules(rule("archive", "orders/archive/", { enabled: false })), rules(archive)],
    ] as const) {
      expect(headlines(ofRules(before, after))).toEqual([
        expect.stringContaining("kept archived files for ever, and keeps them for 30 days"),
      ]);
    }
    expect(ofRules(rules(rule("archive", "orders/")), rules(archive))).toEqual([]);
    const blobs = (days?: number) => ({
      name: "lake",
      blob_properties: [{ delete_retention_policy: days ? [{ days }] : [] }],
    });
    const { loss } = reviewed(plan([account({ actions: ["update"], before: blobs(7), after: blobs() })]));
    expect(headlines(loss)[0]).toContain("deleted files for 7 days, and keeps them for 0 days");
  });

  it("says of what is forgotten that it stays, and how to take it back", () => {
    const { loss } = reviewed(
      plan([
        change({
          type: "databricks_schema",
          address: "databricks_schema.a",
          actions: ["forget"],
          before: { id: "orders.a", name: "a" },
          after: null,
        }),
      ]),
    );
    expect(loss[0]?.details.join(" ")).toContain("terraform import databricks_schema.a orders.a");
  });

  it.each([
    ["replace_because_tainted", "an earlier deployment left it half made"],
    ["delete_because_no_resource_config", "it is no longer in the configuration"],
    ["because_of_the_moon", "`because_of_the_moon`"],
  ])("gives Terraform's reason %s", (action_reason, words) => {
    const { loss } = reviewed(
      plan([change({ type: "databricks_catalog", actions: ["delete"], action_reason, before: CATALOG, after: null })]),
    );
    expect(loss[0]?.details[0]).toContain(words);
  });
});

describe("who may do what", () => {
  const grants = (...privileges: string[]) => ({ catalog: "orders", grant: [{ principal: "analysts", privileges }] });

  it("names who gains and loses which right on what, and leaves out what stays", () => {
    const { access } = reviewed(
      plan([
        change({
          type: "databricks_grants",
          actions: ["update"],
          before: grants("USE_CATALOG", "SELECT"),
          after: grants("USE_CATALOG", "MODIFY"),
        }),
      ]),
    );
    expect(access).toMatchObject([
      {
        gained: [{ principal: "analysts", privilege: "MODIFY" }],
        lost: [{ principal: "analysts", privilege: "SELECT" }],
        headline:
          "`analysts` loses `SELECT` (query its tables) and gains `MODIFY` (change its tables) on the catalog `orders`.",
        needsSecondLook: false,
      },
    ]);
  });

  it.each([
    [grants("MANAGE"), grants()],
    [
      { name: "orders", owner: "analysts" },
      { name: "orders", owner: "others" },
    ],
  ])("flags who may lock themselves out", (before, after) => {
    const type = "grant" in before ? "databricks_grants" : "databricks_catalog";
    const { access, verdict } = reviewed(plan([change({ type, actions: ["update"], before, after })]));
    expect(access[0]?.details[0]).toContain("lock themselves out");
    expect(verdict).toBe("second look");
  });

  it("flags what everybody gains", () => {
    const after = { catalog: "orders", grant: [{ principal: "account users", privileges: ["SELECT"] }] };
    expect(
      reviewed(plan([change({ type: "databricks_grants", actions: ["create"], before: null, after })])).verdict,
    ).toBe("second look");
  });

  it("flags a new administrator, and an owner who is not the one before, but not the owner of what is new", () => {
    const owner = (service_principal_name: string) => ({
      job_id: "1",
      access_control: [{ service_principal_name, permission_level: "IS_OWNER" }],
    });
    const ofOwners = (before: object | null, after: object) =>
      change({ type: "databricks_permissions", actions: [before ? "update" : "create"], before, after });
    const administrator = { service_principal_name: "new", permissions: ["ADMIN"] };
    const assignment = change({
      type: "databricks_permission_assignment",
      actions: ["create"],
      before: null,
      after: administrator,
    });
    const flagged = (changes: Parameters<typeof plan>[0]) =>
      reviewed(plan(changes)).access.map((each) => each.needsSecondLook);

    expect(flagged([ofOwners(null, owner("new"))])).toEqual([false]);
    expect(flagged([ofOwners(owner("old"), owner("new"))])).toEqual([true, false]);
    expect(reviewed(plan([assignment])).access).toMatchObject([
      {
        headline: "`new` gains `ADMIN` (do anything in it) on the workspace.",
        details: ["Nobody needs that but who deploys."],
        needsSecondLook: true,
      },
    ]);
  });

  it("says what a job may do once its runs are another's", () => {
    const runAs = (name: string) => ({ name: "load", run_as: [{ service_principal_name: name }] });
    const { access } = reviewed(plan([change({ actions: ["update"], before: runAs("old"), after: runAs("new") })]));
    expect(headlines(access)).toEqual([
      "`old` loses `runs as` (lend it all of its rights) on the job `load`.",
      "`new` gains `runs as` (lend it all of its rights) on the job `load`.",
    ]);
  });
});

describe("what runs differently", () => {
  const job = (wait: number, pause = "UNPAUSED", tolerance = "50") => ({
    name: "load",
    trigger: [{ pause_status: pause, file_arrival: [{ url: "/Volumes/a/", wait_after_last_change_seconds: wait }] }],
    parameter: [{ name: "max_bad_rows_percent", default: tolerance }],
    job_cluster: [{ job_cluster_key: "one" }],
  });
  const changed = (before: object, after: object) => reviewed(plan([change({ actions: ["update"], before, after })]));

  it("says which fields of a job change, by the names of what they are in", () => {
    const { running, costs } = changed(job(60), job(120, "UNPAUSED", "10"));
    expect(running[0]?.details).toEqual([
      "parameter `max_bad_rows_percent`: `50` → `10`",
      "`trigger.file_arrival.wait_after_last_change_seconds`: `60` → `120`",
    ]);
    expect(headlines(costs).join(" ")).toMatch(/it was up to a minute until it is seen, 60 s .* it will be .*, 120 s/);
  });

  it("calls un-pausing dangerous, and pausing a change", () => {
    expect(headlines(changed(job(60, "PAUSED"), job(60)).inPlace)[0]).toContain("It starts by itself from now on.");
    expect(changed(job(60), job(60, "PAUSED"))).toMatchObject({
      inPlace: [],
      running: [{ details: ["is paused: nothing starts it by itself"] }],
    });
  });

  it("shows what differs in code and in the contract", () => {
    const found = reviewed(plan([]), {
      files: [
        { file: "notebooks/order_tracking/contract/rule.py", added: 1, removed: 0, diff: "@@ -1 +1,2 @@\n a\n+```b" },
      ],
      contract: ["`status` is now required"],
    });
    expect(headlines(found.running)).toEqual([
      "The contract of the order files changes.",
      "`notebooks/order_tracking/contract/rule.py` changes: +1 -0.",
    ]);
    expect(asMarkdown(found)).toContain("  ````diff\n  @@ -1 +1,2 @@\n   a\n  +```b\n  ````\n");
  });
});

test.each([
  [
    "azurerm_storage_account",
    { public_network_access_enabled: false },
    { public_network_access_enabled: true },
    "who can reach the lake",
  ],
  [
    "azurerm_storage_account",
    { shared_access_key_enabled: false },
    { shared_access_key_enabled: true },
    "leaves no trace",
  ],
  [
    "azurerm_storage_account",
    { account_replication_type: "GZRS" },
    { account_replication_type: "LRS" },
    "how many places",
  ],
  ["databricks_catalog", { name: "a" }, { name: "b" }, "by its old name"],
  ["databricks_external_location", { url: "abfss://a" }, { url: "abfss://b" }, "Tables and files behind it"],
  ["databricks_schema", { force_destroy: false }, { force_destroy: true }, "A safeguard ends"],
])("calls a change of %s in place dangerous: %j", (type, before, after, words) => {
  const { inPlace, verdict } = reviewed(plan([change({ type, actions: ["update"], before, after })]));
  expect(headlines(inPlace).join()).toContain(words);
  expect(verdict).toBe("second look");
});

describe("what a plan says beside its changes", () => {
  it.each([
    [{ errored: true }, "failed", "Terraform could not finish the plan"],
    [{ complete: false }, "second look", "is not complete"],
    [
      { deferred_changes: [{ reason: "provider_config_unknown", resource_change: { address: "a.b" } }] },
      "second look",
      "`a.b` is left to that one: `provider_config_unknown`",
    ],
    [
      {
        checks: [
          { address: { to_display: "check.c" }, status: "fail", instances: [{ problems: [{ message: "too late" }] }] },
        ],
      },
      "second look",
      "`fail`: `too late`",
    ],
    [{ action_invocations: [{ address: "action.x.y" }] }, "second look", "starts 1 action of a provider: `action.x.y`"],
    [{ format_version: "2.0" }, "failed", "its format 2.0 is none that this review reads"],
    [{ format_version: "1.9", something_new: {} }, "nothing", ""],
    [{ output_changes: { url: { actions: ["update"], before: "a", after: "b" } } }, "changes", ""],
    [{ output_changes: { url: { change: { actions: ["create"] } } } }, "changes", ""],
  ])("%j", (rest, verdict, words) => {
    const found = reviewed(plan([], rest));
    expect(found.verdict).toBe(verdict);
    expect(found.warnings.join()).toContain(words);
    for (const warning of found.warnings) expect(asLines(found).join("\n")).toContain(warning);
  });

  it("has failed where Terraform has, whatever plan it left", () => {
    const found = review("prod", [{ stack: "prod-catalog", json: plan([]), failure: "Error" }]);
    expect(found).toMatchObject({
      verdict: "failed",
      warnings: [expect.stringContaining("could not finish the plan")],
    });
  });

  it("tells what is moved, even where it is replaced as well, and what is imported", () => {
    const found = reviewed(
      plan([
        change({
          type: "databricks_schema",
          address: "databricks_schema.new",
          previous_address: "databricks_schema.old",
          actions: ["delete", "create"],
          before: { name: "a" },
          after: { name: "b" },
          replace_paths: [["name"]],
        }),
        change({ type: "databricks_query", address: "databricks_query.q", actions: ["no-op"], importing: { id: "1" } }),
      ]),
    );
    expect(found.rest.map(({ title, items }) => [title, items[0]?.text])).toEqual(
      expect.arrayContaining([
        ["Moved", "`databricks_schema.old` → `databricks_schema.new`"],
        ["Imported", "the query `databricks_query.q`"],
      ]),
    );
    expect(found.loss).toHaveLength(1);
  });

  it("tells the same drift of many things once, what the plan answers first", () => {
    const tagged = (address: string, owner: string) =>
      change({
        type: "azurerm_subnet",
        address,
        actions: ["update"],
        before: { tags: { owner: "us" } },
        after: { tags: { owner } },
      });
    const { drift } = reviewed(
      plan(
        [
          change({
            type: "databricks_volume",
            address: "databricks_volume.v",
            actions: ["create"],
            before: null,
            after: { name: "v" },
          }),
        ],
        {
          resource_drift: [...Array(35).keys()]
            .map((i) => tagged(`azurerm_subnet.s${i}`, `them${i}`))
            .concat([
              change({
                type: "databricks_volume",
                address: "databricks_volume.v",
                actions: ["delete"],
                before: { name: "v" },
                after: null,
              }),
            ]),
        },
      ),
    );
    expect(headlines(drift)).toEqual([
      "the volume deleted by somebody else",
      "35 times subnet changed by somebody else: `tags.owner`",
    ]);
    expect(drift[0]?.isRelevant).toBe(true);
  });
});

const ACTIONS = [
  ["no-op"],
  ["create"],
  ["read"],
  ["update"],
  ["delete"],
  ["delete", "create"],
  ["create", "delete"],
  ["forget"],
  ["create", "forget"],
  ["explode"],
  [],
];
const TYPES = [
  "azurerm_storage_account",
  "databricks_volume",
  "databricks_grants",
  "databricks_job",
  "databricks_notebook",
  "databricks_external_location",
  "azurerm_nat_gateway",
  "somebody_elses_thing",
];

test("nothing is dropped without being told or counted", () => {
  const changes = ACTIONS.flatMap((actions) =>
    TYPES.map((type) =>
      change({
        type,
        address: `${type}.${actions.join("-")}`,
        actions,
        before: { name: "a", x: "1" },
        after: { name: "a", x: "2" },
      }),
    ),
  );
  const found = reviewed(plan(changes));
  const told = [
    ...found.loss,
    ...found.access,
    ...found.running,
    ...found.inPlace,
    ...found.rest.flatMap(({ items }) => items),
  ].map(({ address }) => address);
  const grantsWithoutRights = changes.map(({ address }) => String(address)).filter((each) => !told.includes(each));
  expect(grantsWithoutRights).toEqual([]);
  expect(Object.values(found.counts).reduce((sum, each) => sum + each)).toBe(changes.length);
});

describe("the size of a comment", () => {
  const many = (number: number, rest: (index: number) => object) =>
    plan([...Array(number).keys()].map((index) => change({ address: `it.n${index}`, ...rest(index) })));
  const lost = (index: number) => ({
    type: "databricks_schema",
    actions: ["delete"],
    before: { name: `schéma ${index} 🦜` },
    after: null,
  });

  it("is kept by 2,000 resources of each kind, and what may be lost is cut last", () => {
    const both = plan([
      ...[...Array(2000).keys()].map((index) =>
        change({
          address: `a.n${index}`,
          type: "azurerm_subnet",
          actions: ["create"],
          before: null,
          after: { name: `subnet-of-somebody-else-${index}` },
        }),
      ),
      change({ address: "b.b", ...lost(7) }),
    ]);
    const markdown = asMarkdown(reviewed(both));
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(COMMENT_LIMIT);
    expect(markdown).toContain("**This is cut to fit a comment: ");
    expect(markdown).toContain("`schéma 7 🦜` is deleted");
    expect(markdown).toContain("UNDROP TABLE");
    expect(markdown).toMatch(/- \d+ more, left out here/);
  });

  it("is kept by more losses than fit, the worst of them first", () => {
    const markdown = asMarkdown(reviewed(many(2000, lost)));
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(COMMENT_LIMIT);
    expect(markdown).toContain("2000 things may lose data");
    expect(markdown).toContain("only counted.** It does not suffice to approve the plan.");
  });

  it("is kept by five megabytes of values", () => {
    const big = "ü".repeat(2_500_000);
    const markdown = asMarkdown(
      reviewed(
        many(1, () => ({
          type: "databricks_job",
          actions: ["update"],
          before: { name: "a", description: "" },
          after: { name: "a", description: big },
        })),
      ),
    );
    expect(Buffer.byteLength(markdown)).toBeLessThan(2000);
    expect(markdown).toContain("... (2500000 characters)");
  });

  it.each([-1, 0, 1])("is exact at its limit %i", (more) => {
    const found = reviewed(many(40, lost));
    const whole = Buffer.byteLength(asMarkdown(found));
    const markdown = asMarkdown(found, whole - more);
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(whole - more);
    expect(markdown.includes("This is cut")).toBe(more > 0);
  });
});

test("what others have named is neither Markdown nor obeyed by a terminal", () => {
  const name = "a`b\n### c <img src=x> @team \u001b[2J\u202e";
  const found = reviewed(
    plan([change({ type: "databricks_schema", actions: ["delete"], before: { name }, after: null })]),
  );
  expect(headlines(found.loss)[0]).toContain("`a'b ### c <img src=x> @team \\u{1b}[2J\\u{202e}`");
});

test("500 changes are reviewed in less than a second", () => {
  const job = (index: number, wait: number) => ({
    name: `job ${index}`,
    task: [...Array(20).keys()].map((task) => ({ task_key: `t${task}`, timeout_seconds: wait })),
    parameter: [{ name: "p", default: String(wait) }],
  });
  const changes = [...Array(500).keys()].map((index) =>
    change({
      address: `databricks_job.j${index}`,
      actions: ["update"],
      before: job(index, 1),
      after: job(index, 2),
      before_sensitive: { secret: true },
    }),
  );
  const json: unknown = JSON.parse(JSON.stringify(plan(changes)));
  const seconds = Array.from({ length: 3 }, () => {
    const startedAt = process.cpuUsage();
    asMarkdown(reviewed(json));
    const { user, system } = process.cpuUsage(startedAt);
    return (user + system) / 1_000_000;
  });
  // Of the processor, and the best of three, since other tests run at the same time.
  expect(Math.min(...seconds)).toBeLessThan(1);
});
