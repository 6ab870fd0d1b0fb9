/** What a review says, of plans that are made up: one thing of each. */
import { contractChanges } from "../../review/contract.ts";
import { asMarkdown, COMMENT_LIMIT } from "../../review/markdown.ts";
import { type Review, review, type Surroundings } from "../../review/review.ts";
import { asLines } from "../../review/terminal.ts";
import { STATEFUL_TYPES } from "../../stacks/guard-rails/stateful-types.ts";
import { change, plan } from "./made-up.ts";

const reviewed = (json: unknown, surroundings?: Surroundings): Review =>
  review("prod", [{ stack: "prod-catalog", json }], surroundings);
const account = (rest: object) => change({ type: "azurerm_storage_account", ...rest });
const headlines = (found: readonly { headline: string }[]) => found.map(({ headline }) => headline);
const CATALOG = { name: "orders", force_destroy: true };
const BY_CHANGE = "delete_after_days_since_modification_greater_than";
const BY_CREATION = "delete_after_days_since_creation_greater_than";

describe("what may be lost", () => {
  it("knows each type that the guard rails call stateful", () => {
    const gone = STATEFUL_TYPES.map((type) =>
      change({ type, actions: ["delete"], before: { name: "a" }, after: null }),
    );
    const { loss } = reviewed(plan(gone));
    expect(loss.map(({ address }) => address).sort()).toEqual(STATEFUL_TYPES.map((type) => `${type}.it`));
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

  describe("where the files of volumes and tables go as well", () => {
    const blob_properties = [{ container_delete_retention_policy: [{ days: 9 }] }];
    const lake = { name: "lake", blob_properties };
    const container = (name: string) => ({ name, storage_account_id: "/subscriptions/x/storageAccounts/lake" });
    const at = (name: string) => `abfss://${name}@lake.dfs.core.windows.net/orders`;
    const volume = { name: "files", volume_type: "EXTERNAL", storage_location: at("orders") };
    const catalog = { ...CATALOG, storage_root: at("managed") };
    const schema = { id: "orders.a", name: "a", catalog_name: "orders", force_destroy: true };
    const gone = (type: string, before: object, rest: object = {}) =>
      change({ type, address: `${type}.gone`, actions: ["delete"], before, after: null, ...rest });
    const lossOf = (type: string, ...changes: Parameters<typeof plan>[0][number][]) =>
      reviewed(plan(changes)).loss.find(({ address }) => address === `${type}.gone`);
    const lossOfVolume = (...others: Parameters<typeof plan>[0][number][]) =>
      lossOf("databricks_volume", ...others, gone("databricks_volume", volume));
    const stays = account({ before: lake, after: lake });

    it("says of a volume what it says of its container", () => {
      const loss = lossOfVolume(stays, gone("azurerm_storage_container", container("orders")));
      expect(loss?.recovery).toMatchObject({
        how: "by command",
        sentences: [
          "What becomes of the files is what becomes of the container `orders`.",
          expect.stringContaining("For 9 days it can be restored"),
          expect.stringContaining("VERSION is told by"),
        ],
      });
    });

    it("says of a volume what it says of its account, also where no plan has the container", () => {
      const loss = lossOfVolume(gone("azurerm_storage_account", lake));
      expect(loss?.recovery).toMatchObject({
        how: "perhaps",
        sentences: [
          "What becomes of the files is what becomes of the storage account `lake`.",
          expect.stringContaining("For 14 days Azure may bring it back"),
        ],
      });
    });

    it("says that the files of a volume stay where another container goes", () => {
      const loss = lossOfVolume(stays, gone("azurerm_storage_container", container("orders-of-others")));
      expect(loss?.recovery).toEqual({
        how: "nothing is lost",
        sentences: ["The files stay where they are. Nobody reaches them by the volume's path until it is there again."],
      });
    });

    it.each([
      [{ ...volume, storage_location: at("incoming") }, {}],
      [{ name: "files", volume_type: "MANAGED" }, { storage_location: true }],
    ])("says of a volume that is made anew elsewhere that its path shows that: %j", (after, after_unknown) => {
      const anew = gone("databricks_volume", volume, { actions: ["delete", "create"], after, after_unknown });
      expect(lossOf("databricks_volume", stays, anew)?.recovery.sentences).toEqual([
        "The files stay where they are. The volume's path shows another place from now on.",
      ]);
    });

    it.each([
      ["the storage account `lake`", gone("azurerm_storage_account", lake)],
      ["the container `managed`", gone("azurerm_storage_container", container("managed"))],
    ])("promises no table that lies in %s", (place, holder) => {
      const archive = gone("azurerm_storage_container", container("orders"));
      const others = [stays, archive, change({ type: "databricks_volume", before: volume, after: volume })];
      for (const [type, before] of [
        ["databricks_schema", schema],
        ["databricks_catalog", catalog],
      ] as const) {
        const all = [...others, holder, gone("databricks_catalog", catalog), gone("databricks_schema", schema)];
        expect(lossOf(type, ...all)?.recovery).toEqual({
          how: "never",
          sentences: [`Its tables have their files in ${place}, without which Databricks brings none of them back.`],
        });
        expect(lossOf(type, stays, gone("databricks_catalog", catalog), gone(type, before))?.details.join()).toContain(
          "UNDROP TABLE",
        );
      }
    });

    it.each([
      ["account", gone("azurerm_storage_account", lake, { actions: ["delete", "create"], after: lake })],
      ["container", gone("azurerm_storage_container", container("managed"))],
    ])("says of the %s of tables which stay that these lose their files, and what to do before", (_, going) => {
      const detailsOf = (storage_root: string, rest: object = {}) => {
        const stays = change({ type: "databricks_catalog", before: { ...catalog, ...rest, storage_root } });
        return reviewed(plan([going, stays])).loss[0]?.details.join();
      };
      expect(detailsOf(at("managed"), { force_destroy: true })).toMatch(
        /the tables of the catalog `orders`, which lose their files.*`npx cdktf destroy 'prod-\{catalog,pipeline\}'` first/,
      );
      // Terraform would refuse to delete it.
      expect(detailsOf(at("managed"), { force_destroy: false })).toMatch(
        /which lose their files.*, until somebody drops these tables/,
      );
      expect(detailsOf("abfss://managed@other.dfs.core.windows.net/orders")).not.toContain("lose their files");
    });

    it("promises what the archive has, where only the container of the tables goes", () => {
      const loss = lossOf(
        "databricks_catalog",
        stays,
        gone("azurerm_storage_container", container("managed")),
        gone("databricks_catalog", catalog),
        change({ type: "databricks_volume", before: volume, after: volume }),
      );
      expect(loss).toMatchObject({ recovery: { how: "perhaps" } });
      expect(loss?.details.join()).toMatch(/brings none of them back\.,.* the replay job loads them again/);
    });

    it("promises no archived files that are deleted by their age, before or from now on", () => {
      const rule = (days: number, prefix: string, enabled = true) => ({
        ...{ name: prefix, enabled, filters: [{ prefix_match: [prefix] }] },
        actions: [{ base_blob: [{ [BY_CHANGE]: days }] }],
      });
      const promised = (before: readonly object[], after: readonly object[]) =>
        lossOf(
          "databricks_catalog",
          stays,
          gone("databricks_catalog", catalog),
          change({ type: "databricks_volume", before: volume, after: volume }),
          change({
            ...{ type: "azurerm_storage_management_policy", actions: ["update"] },
            ...{ before: { rule: before }, after: { rule: after } },
          }),
        )?.details.find((each) => each.includes("archive of the volume"));
      const of = "orders/orders/archive/";
      const but = (days: number) =>
        expect.stringContaining(`does, but for those older than ${days} days: the replay`) as string;
      expect(promised([rule(400, of)], [rule(400, of)])).toEqual(but(400));
      expect(promised([rule(30, of)], [rule(400, of)])).toEqual(but(30));
      expect(promised([rule(400, of)], [rule(30, "orders/")])).toEqual(but(30));
      const others = [rule(-1, of), rule(9, "orders/orders/rejected/"), rule(9, of, false)];
      expect(promised(others, others)).toContain("as long as their container does: the replay");
    });
  });

  it("tells what else is another of a holder of data that is made anew", () => {
    const lake = (location: string, days: number, isPublic: boolean) => ({
      ...{ name: "lake", location, public_network_access_enabled: isPublic },
      blob_properties: [{ container_delete_retention_policy: [{ days }] }],
    });
    const [before, after] = [lake("a", 30, false), lake("b", 1, true)];
    const days = "`blob_properties.container_delete_retention_policy.days`: `30` → `1`";
    const replaced = { actions: ["delete", "create"], before, after, replace_paths: [["location"]] };
    const byPlan = reviewed(plan([account(replaced)]));
    expect(byPlan.loss[0]?.details).toEqual([
      "Forced by `location`: `a` → `b`.",
      expect.stringContaining("The new account takes its name"),
      days,
    ]);
    const gone = account({ actions: ["delete"], before, after: null });
    const byOthers = reviewed(
      plan([account({ actions: ["create"], before: null, after })], { resource_drift: [gone] }),
    );
    expect(byOthers.loss[0]?.details).toEqual([
      expect.stringContaining("The new account takes its name"),
      days,
      "`location`: `a` → `b`",
    ]);
    for (const { inPlace } of [byPlan, byOthers]) {
      expect(inPlace).toMatchObject([
        {
          headline: expect.stringContaining(
            "is not made anew as it was. This decides who can reach the lake",
          ) as string,
          details: ["`public_network_access_enabled`: `false` → `true`"],
        },
      ]);
    }
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

  it("says that a new one takes the name of an account or a container, also at another address", () => {
    const lake = { name: "lake", blob_properties: [{ container_delete_retention_policy: [{ days: 9 }] }] };
    const container = { name: "orders", storage_account_id: "/subscriptions/x/storageAccounts/lake" };
    const moved = (type: string, before: object, after: object) =>
      reviewed(
        plan([
          account({ address: "a.lake", before: lake, after: lake }),
          change({ type, address: `${type}.old`, actions: ["delete"], before, after: null }),
          change({ type, address: `${type}.new`, actions: ["create"], before: null, after }),
        ]),
      ).loss;
    const old = { name: "old" };
    expect(moved("azurerm_storage_account", old, old)).toMatchObject([
      { recovery: { how: "never", sentences: [expect.stringContaining("The new account takes its name")] } },
    ]);
    expect(moved("azurerm_storage_account", old, { name: "new" })).toMatchObject([{ recovery: { how: "perhaps" } }]);
    const first = "The new one has its name, and has to go first.";
    expect(moved("azurerm_storage_container", container, container)[0]?.details).toContain(first);
    const elsewhere = { ...container, storage_account_id: "/subscriptions/x/storageAccounts/other" };
    expect(moved("azurerm_storage_container", container, elsewhere)[0]?.details).not.toContain(first);
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
    const never = "deleted no archived files by their age; from now on it does, 90 days after their last change";
    expect(headlines(changed(null, 90))[0]).toContain(never);
    expect(headlines(changed(-1, 90))[0]).toContain(never);
    expect(headlines(changed(90, 1))[0]).toContain(
      "kept archived files for 90 days after their last change, and keeps them for 1 day from now on",
    );
    expect([...changed(30, 90), ...changed(30, null), ...changed(90, -1), ...changed(-1, -1)]).toEqual([]);
    const rules = (...rule: object[]) => ({ rule });
    const rule = (name: string, prefix: string, more: object = {}) => ({
      ...policy(30).rule[0],
      ...{ name, enabled: true, filters: [{ prefix_match: [prefix] }], ...more },
    });
    const archive = rule("archive", "orders/archive/");
    const ofRules = (before: object, after: object) =>
      reviewed(plan([change({ type: "azurerm_storage_management_policy", actions: ["update"], before, after })]));
    const enabled = ofRules(rules(rule("archive", "orders/archive/", { enabled: false })), rules(archive));
    expect(headlines(enabled.loss)).toEqual([
      expect.stringContaining(
        "from now on it does: those whose path starts with `orders/archive/`, 30 days after their last change",
      ),
    ]);
    expect(enabled.rest).toEqual([]);
    expect(ofRules(rules(rule("archive", "orders/")), rules(archive)).loss).toEqual([]);
    for (const [field, words] of [
      ["creation", "their creation"],
      ["last_access_time", "they were last read"],
    ] as const) {
      const byAge = (age: number) => ({
        rule: [{ name: "a", actions: [{ base_blob: [{ [`delete_after_days_since_${field}_greater_than`]: age }] }] }],
      });
      expect(headlines(ofRules(byAge(-1), byAge(1)).loss)).toEqual([
        expect.stringContaining(`from now on it does, 1 day after ${words}.`),
      ]);
      expect(ofRules(byAge(1), byAge(-1)).loss).toEqual([]);
    }
  });

  it("compares ages of deletion by the files that they are of, whatever their rules are called", () => {
    const rule = (name: string, days: number, ...prefix_match: string[]) => ({
      ...{ name, enabled: true, filters: [{ prefix_match }] },
      actions: [{ base_blob: [{ delete_after_days_since_modification_greater_than: days }] }],
    });
    const archive = rule("archive", 400, "orders/archive/");
    const ofRules = (before: readonly object[], after: readonly object[]) =>
      reviewed(
        plan([
          change({
            type: "azurerm_storage_management_policy",
            ...{ actions: ["update"], before: { rule: before }, after: { rule: after } },
          }),
        ]),
      );
    const more = (starts: string) =>
      expect.stringContaining(`deletes more archived files by their age from now on: ${starts}, 400 days`) as string;
    const kept = (part: string) =>
      expect.stringContaining(
        `kept archived files${part} for 400 days after their last change, and keeps them for 30 days`,
      ) as string;
    const ofArchive = kept(" whose path starts with `orders/archive/`");
    const leftOver = ({ rest }: Review) => rest.flatMap(({ items }) => items.map(({ text }) => text)).join();

    const widened = ofRules([archive], [rule("archive", 400, "orders/")]);
    expect(headlines(widened.loss)).toEqual([more("those whose path starts with `orders/`")]);
    expect(widened.rest).toEqual([]);
    const added = ofRules([archive], [archive, rule("all", 400)]);
    expect(headlines(added.loss)).toEqual([more("all that there are")]);
    expect(added.rest).toEqual([]);
    const renamed = ofRules([archive], [rule("archived", 400, "orders/archive/")]);
    expect(renamed.loss).toEqual([]);
    expect(leftOver(renamed)).toMatch(/`rule\[archived\]` is new: .*; `rule\[archive\]` goes$/);
    const shortened = ofRules([archive], [rule("archived", 30, "orders/archive/")]);
    expect(headlines(shortened.loss)).toEqual([ofArchive]);
    expect(leftOver(shortened)).toMatch(/it`: `rule\[archive\]` goes$/);
    const both = ofRules([archive], [rule("archive", 30, "orders/")]);
    expect(headlines(both.loss)).toEqual([
      expect.stringContaining("those whose path starts with `orders/`, 30 days"),
      ofArchive,
    ]);
    expect(both.rest).toEqual([]);
    const ofPart = ofRules([rule("all", 400)], [rule("all", 400), rule("archive", 30, "orders/archive/")]);
    expect(headlines(ofPart.loss)).toEqual([ofArchive]);
    expect(ofPart.rest).toEqual([]);
    const ofAll = ofRules([rule("all", 400)], [rule("all", 30)]);
    expect(headlines(ofAll.loss)).toEqual([kept("")]);
    expect(ofAll.rest).toEqual([]);
  });

  it("leaves to tell what else a rule with an age of deletion does, or does no more", () => {
    const rule = (name: string, age: number, prefix_match: readonly string[], more: object = {}) => ({
      ...{ name, enabled: true, filters: [{ prefix_match }] },
      actions: [{ base_blob: [{ [BY_CHANGE]: age, ...more }], snapshot: [] }],
    });
    const ofRules = (before: readonly object[], after: readonly object[]) => {
      const type = "azurerm_storage_management_policy";
      const sides = { before: { rule: before }, after: { rule: after } };
      const { loss, rest } = reviewed(plan([change({ type, actions: ["update"], ...sides })]));
      expect(loss).toHaveLength(1);
      return rest.flatMap(({ items }) => items.map(({ text }) => text)).join();
    };
    const archive = rule("archive", 400, ["orders/archive/"]);
    const tiering = { tier_to_cool_after_days_since_modification_greater_than: 30 };
    const unset = {
      tier_to_cool_after_days_since_modification_greater_than: -1,
      auto_tier_to_hot_from_cool_enabled: false,
    };
    const snapshots = { actions: [{ ...archive.actions[0], snapshot: [{ [BY_CREATION]: 1 }] }] };
    const isNew = "`rule[all]` is new";
    expect(ofRules([archive], [archive, rule("all", 400, [], tiering)])).toContain(isNew);
    expect(ofRules([archive], [archive, { ...rule("all", 400, []), ...snapshots }])).toContain(isNew);
    expect(ofRules([archive], [archive, rule("all", 400, [], unset)])).toBe("");

    const enabled = (more: object) => {
      const one = rule("archive", 400, ["orders/archive/"], more);
      return ofRules([{ ...one, enabled: false }], [one]);
    };
    expect(enabled(tiering)).toMatch(/`rule\[archive\]\.enabled`: `false` → `true`$/);
    expect(enabled(unset)).toBe("");

    const both = rule("archive", 400, ["orders/archive/", "orders/rejected/"]);
    expect(ofRules([both], [rule("archive", 30, ["orders/archive/"])])).toMatch(
      /`rule\[archive\]\.filters\.prefix_match`: loses `orders\/rejected\/`$/,
    );
  });

  it("tells of an age of deletion that gets shorter where the plan does not show which files it is of", () => {
    const rule = (age: number, filters: readonly object[], enabled?: boolean) => ({
      rule: [{ name: "archive", enabled, filters, actions: [{ base_blob: [{ [BY_CHANGE]: age }] }] }],
    });
    const ofAge = (age: number, unknown: object) => {
      const { loss, rest } = reviewed(
        plan([
          change({
            ...{ type: "azurerm_storage_management_policy", actions: ["update"] },
            ...{ before: rule(400, [{ prefix_match: ["orders/archive/"] }], true), after: rule(age, [{}]) },
            after_unknown: { rule: [{ enabled: true, filters: [{ prefix_match: true }], ...unknown }] },
          }),
        ]),
      );
      expect(rest).toEqual([]);
      return headlines(loss);
    };
    const isUnseen = expect.stringContaining("The plan does not show how long archived files are kept") as string;
    const shorter = expect.stringContaining(
      "kept archived files whose path starts with `orders/archive/` for 400 days after their last change, and keeps them for 3 days",
    ) as string;
    expect(ofAge(3, {})).toEqual([shorter, isUnseen, isUnseen]);
    expect(ofAge(400, {})).toEqual([isUnseen, isUnseen]);
    expect(ofAge(3, { actions: [{ base_blob: [{ [BY_CHANGE]: true }] }] })).toEqual([isUnseen, isUnseen, isUnseen]);
  });

  it("tells of a clock by which the files of a rule are deleted from now on, and were not before", () => {
    const rule = (name: string, ages: object) => ({
      ...{ name, enabled: true, filters: [{ prefix_match: ["orders/archive/"] }] },
      actions: [{ base_blob: [ages] }],
    });
    const byChange = { delete_after_days_since_modification_greater_than: 400 };
    const byCreation = { delete_after_days_since_creation_greater_than: 500 };
    const ofAges = (before: object, after: object, name = "archive") =>
      reviewed(
        plan([
          change({
            ...{ type: "azurerm_storage_management_policy", actions: ["update"] },
            ...{ before: { rule: [rule("archive", before)] }, after: { rule: [rule(name, after)] } },
          }),
        ]),
      );
    const words = [
      expect.stringContaining(
        "deletes archived files by a new clock from now on: those whose path starts with `orders/archive/`, 500 days after their creation.",
      ),
    ];
    const added = ofAges(byChange, { ...byChange, ...byCreation });
    expect(headlines(added.loss)).toEqual(words);
    expect(added.rest).toEqual([]);
    const another = ofAges(byChange, byCreation);
    expect(headlines(another.loss)).toEqual(words);
    const gone = "`rule[archive].actions.base_blob.delete_after_days_since_modification_greater_than`: `400` → nothing";
    expect(another.rest).toMatchObject([{ items: [{ text: expect.stringMatching(/it`: [^;]+$/) as string }] }]);
    expect(another.rest[0]?.items[0]?.text).toContain(gone);
    const renamed = ofAges(byChange, byCreation, "archived");
    expect(headlines(renamed.loss)).toEqual(words);
    expect(renamed.rest[0]?.items[0]?.text).toMatch(/it`: `rule\[archive\]` goes$/);
  });

  it("tells of what Azure keeps of deleted files for less long", () => {
    const blobs = (days?: number) => ({
      name: "lake",
      blob_properties: [{ delete_retention_policy: days ? [{ days }] : [] }],
    });
    const { loss } = reviewed(plan([account({ actions: ["update"], before: blobs(7), after: blobs() })]));
    expect(headlines(loss)[0]).toContain("deleted files for 7 days, and keeps them for 0 days");
  });

  it("tells of an age of deletion that is made anew for files that are there already", () => {
    const policy = (days: number) => ({
      storage_account_id: "/lake",
      rule: [
        { name: "archive", actions: [{ base_blob: [{ delete_after_days_since_modification_greater_than: days }] }] },
      ],
    });
    const ofPolicy = (rest: object, ofAccount: object = {}) =>
      reviewed(
        plan([
          account({ before: { id: "/lake", name: "lake" }, after: { id: "/lake", name: "lake" }, ...ofAccount }),
          change({ type: "azurerm_storage_management_policy", after: policy(1), ...rest }),
        ]),
      ).loss;
    const words = [expect.stringContaining("deleted no archived files by their age; from now on it does, 1 day")];
    const anew = { actions: ["delete", "create"], before: policy(-1) };
    const made = { actions: ["create"], before: null };
    expect(headlines(ofPolicy(anew))).toEqual(words);
    expect(headlines(ofPolicy(made))).toEqual(words);
    // A first deployment may have ended between the two.
    expect(ofPolicy(made)[0]?.details[0]).toContain("The state knew of none before.");
    expect(ofPolicy(made, made)).toEqual([]);
    // The files go with their account, which is told.
    const replaced = { actions: ["delete", "create"] };
    expect(ofPolicy(anew, replaced).map(({ address }) => address)).toEqual(["azurerm_storage_account.it"]);
  });

  it("compares ages of deletion with those of the same account at another address", () => {
    const policy = (address: string, actions: readonly string[], days: number) => {
      const actionsOfRule = [{ base_blob: [{ delete_after_days_since_modification_greater_than: days }] }];
      const side = { storage_account_id: "/lake", rule: [{ name: "archive", actions: actionsOfRule }] };
      const sides = actions[0] === "create" ? { before: null, after: side } : { before: side, after: null };
      return change({ type: "azurerm_storage_management_policy", address, actions, ...sides });
    };
    const moved = (days: number) =>
      reviewed(plan([policy("a.new", ["create"], days), policy("a.old", ["delete"], 400)]));
    expect(moved(400).loss).toEqual([]);
    expect(headlines(moved(30).loss)).toEqual([
      expect.stringContaining("kept archived files for 400 days after their last change, and keeps them for 30 days"),
    ]);
  });

  it("compares how long something is kept with what was there before somebody else deleted it", () => {
    const policy = (age: number) => ({
      storage_account_id: "/lake",
      rule: [{ name: "archive", actions: [{ base_blob: [{ [BY_CHANGE]: age }] }] }],
    });
    const job = (days: string) => ({ name: "upkeep", parameter: [{ name: "retention_days", default: days }] });
    const ofSides = (type: string, before: object, after: object) => {
      const made = change({ type, actions: ["create"], before: null, after });
      const gone = change({ type, actions: ["delete"], before, after: null });
      const lake = { id: "/lake", name: "lake" };
      return reviewed(plan([account({ before: lake, after: lake }), made], { resource_drift: [gone] })).loss;
    };
    const ages = "azurerm_storage_management_policy";
    expect(ofSides(ages, policy(400), policy(400))).toEqual([]);
    expect(ofSides(ages, policy(30), policy(400))).toEqual([]);
    const shortened = ofSides(ages, policy(400), policy(30));
    expect(headlines(shortened)).toEqual([
      expect.stringContaining("kept archived files for 400 days after their last change, and keeps them for 30 days"),
    ]);
    expect(shortened[0]?.details.join()).not.toContain("The state knew of none");
    expect(ofSides("databricks_job", job("30"), job("30"))).toEqual([]);
    expect(ofSides("databricks_job", job("30"), job("1"))).toMatchObject([
      {
        action: "create",
        headline: "The job `upkeep` kept old versions of tables for 30 days, and keeps them for 1 day from now on.",
      },
    ]);
  });

  it("tells what fewer days of the upkeep take for good, also where the job has another address from now on", () => {
    const job = (days: string, name = "upkeep") => ({ name, parameter: [{ name: "retention_days", default: days }] });
    const moved = (after: object) =>
      reviewed(
        plan([
          change({ address: "databricks_job.old", actions: ["delete"], before: job("30"), after: null }),
          change({ address: "databricks_job.new", actions: ["create"], before: null, after }),
        ]),
      ).loss;
    const changed = reviewed(plan([change({ actions: ["update"], before: job("30"), after: job("7") })])).loss;
    for (const loss of [changed, moved(job("7"))]) {
      expect(headlines(loss)).toEqual([
        "The job `upkeep` kept old versions of tables for 30 days, and keeps them for 7 days from now on.",
      ]);
      expect(loss[0]?.details).toEqual([
        expect.stringContaining("no time travel goes back further"),
        expect.stringContaining("files that are older cannot be withdrawn any more"),
      ]);
    }
    expect([...moved(job("30")), ...moved(job("7", "other"))]).toEqual([]);
  });

  it.each([
    [
      "azurerm_storage_account",
      { blob_properties: [{ delete_retention_policy: [{ days: 7 }] }] },
      { blob_properties: [{ delete_retention_policy: [{}] }] },
      { blob_properties: [{ delete_retention_policy: [{ days: true }] }] },
      "deleted files and containers are kept by the storage account",
    ],
    [
      "azurerm_storage_management_policy",
      { rule: [{ name: "r", actions: [{ base_blob: [{ delete_after_days_since_creation_greater_than: 7 }] }] }] },
      { rule: [{ name: "r", actions: [{ base_blob: [{}] }] }] },
      { rule: [{ actions: [{ base_blob: [{ delete_after_days_since_creation_greater_than: true }] }] }] },
      "archived files are kept by the ages of archived files",
    ],
    [
      "databricks_job",
      { parameter: [{ name: "retention_days", default: "30" }] },
      { parameter: [{ name: "retention_days" }] },
      { parameter: [{ default: true }] },
      "old versions of tables are kept by the job",
    ],
  ])("flags that nobody sees how long %s keeps what it keeps", (type, before, after, unknown, words) => {
    const ofPlan = (rest: object) =>
      reviewed(plan([change({ type, actions: ["update"], before: { name: "a", ...before }, ...rest })]));
    const [field = ""] = Object.keys(before);
    const later = ofPlan({ after: { name: "a", ...after }, after_unknown: unknown });
    const hidden = ofPlan({ after: { name: "a", ...after }, after_sensitive: { [field]: true } });
    const isGone = type === "databricks_job" ? [ofPlan({ after: { name: "a", parameter: [] } })] : [];
    for (const { loss } of [later, hidden, ...isGone]) {
      const headline = `The plan does not show how long ${words} \`a\` from now on.`;
      expect(loss).toMatchObject([{ headline, needsSecondLook: true }]);
    }
  });

  it("tells what somebody else deleted, and a plan makes anew under its name", () => {
    const lake = { name: "lake", blob_properties: [{ container_delete_retention_policy: [{ days: 9 }] }] };
    const both = (type: string, before: object, after: object, rest: object = {}) => {
      const made = change({ type, actions: ["create"], before: null, after });
      const gone = change({ type, actions: ["delete"], before, after: null });
      return reviewed(
        plan([account({ address: "a.lake", before: lake, after: lake }), made], { resource_drift: [gone], ...rest }),
      );
    };
    const container = { name: "orders", storage_account_id: "/subscriptions/x/storageAccounts/lake" };
    const { loss, rest, verdict } = both("azurerm_storage_container", container, container);
    expect(loss).toMatchObject([
      {
        headline:
          "The container `orders` was deleted by somebody else, and is made anew under its name. It held every file in it.",
        recovery: {
          how: "by command",
          sentences: expect.arrayContaining(["The new one has its name, and has to go first."]) as string[],
        },
        needsSecondLook: true,
      },
    ]);
    expect(verdict).toBe("second look");
    expect(rest.map(({ title }) => title)).toEqual(["As it is"]);
    expect(both("azurerm_storage_account", { name: "old" }, { name: "old" }).loss).toMatchObject([
      { recovery: { how: "never" } },
    ]);
    const dropped = both("databricks_schema", { name: "a" }, { name: "a" }).loss;
    expect(dropped[0]?.details.join()).not.toContain("refuses to delete");
    const deleted = change({ type: "databricks_schema", actions: ["delete"], before: { name: "a" }, after: null });
    expect(reviewed(plan([deleted])).loss[0]?.details.join()).toContain("refuses to delete");

    const volume = { name: "files", volume_type: "EXTERNAL" };
    expect(both("databricks_volume", volume, volume).loss).toEqual([]);
    expect(both("azurerm_storage_container", container, container, { resource_drift: [] }).loss).toEqual([]);
  });

  it("tells of what somebody else deleted together with its account that it went with that", () => {
    const sides = {
      azurerm_storage_account: {
        name: "lake",
        blob_properties: [{ container_delete_retention_policy: [{ days: 9 }] }],
      },
      azurerm_storage_container: { name: "orders", storage_account_id: "/subscriptions/x/storageAccounts/lake" },
      databricks_catalog: { name: "shop", storage_root: "abfss://orders@lake.dfs.core.windows.net/" },
      databricks_schema: { name: "tables", catalog_name: "shop" },
    };
    const all = Object.entries(sides);
    const made = all.map(([type, { name }]) => change({ type, actions: ["create"], before: null, after: { name } }));
    const gone = all.map(([type, before]) => change({ type, actions: ["delete"], before, after: null }));
    const { loss } = reviewed(plan(made, { resource_drift: gone }));
    const of = (type: string) => loss.find(({ address }) => address === `${type}.it`);
    expect(of("azurerm_storage_account")?.holds).toBe("every file and table of prod, in `orders`");
    expect(of("azurerm_storage_container")).toMatchObject({
      holds: "the files of the catalog `shop`",
      recovery: { how: "never", sentences: [expect.stringContaining("The new account takes its name")] },
    });
    expect(of("databricks_catalog")?.holds).toBe("every table in `tables`");
    expect(of("databricks_schema")?.details.join()).not.toContain("stay in the archive");
    expect(loss.map(({ action }) => action)).toEqual(all.map(() => "create"));
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

  it("gives commands whole, however long the names in them are", () => {
    const [address, id] = [`databricks_schema.${"a".repeat(100)}`, `orders.${"b".repeat(100)}`];
    const schema = { type: "databricks_schema", before: { id, name: "a" }, after: null };
    expect(reviewed(plan([change({ ...schema, address, actions: ["forget"] })])).loss[0]?.details.join()).toContain(
      `\`terraform import ${address} ${id}\``,
    );
    const name = "c".repeat(63);
    const container = { name, storage_account_id: `/subscriptions/x/storageAccounts/${"d".repeat(24)}` };
    const lake = {
      name: "d".repeat(24),
      blob_properties: [{ container_delete_retention_policy: [{ days: 9 }] }],
    };
    const gone = { type: "azurerm_storage_container", actions: ["delete"], before: container, after: null };
    expect(reviewed(plan([account({ before: lake, after: lake }), change(gone)])).loss[0]?.details.join()).toMatch(
      new RegExp(`--name ${name} --deleted-version VERSION\`.*--prefix ${name}\``),
    );
  });

  describe("of what is forgotten while what it is in goes", () => {
    const on = (action: string, type: string, before: object) =>
      change({ type, address: `${type}.${action}`, actions: [action], before, after: null });
    const group = { name: "rg" };
    const lake = { name: "lake", resource_group_name: "rg" };
    const container = { name: "orders", storage_account_id: "/subscriptions/x/storageAccounts/lake" };
    const catalog = { ...CATALOG, id: "orders" };
    const schema = { id: "orders.a", name: "a", catalog_name: "orders" };
    const volume = { id: "orders.a.v", name: "v", catalog_name: "orders", schema_name: "a", volume_type: "MANAGED" };
    const forgotten = (...changes: Parameters<typeof plan>[0][number][]) =>
      reviewed(plan(changes)).loss.filter(({ action }) => action === "forget");

    it.each([
      ["azurerm_storage_account", lake, "may go with the resource group `rg`", "perhaps", "in others it refuses"],
      ["databricks_schema", schema, "goes with the catalog `orders`", "perhaps", "UNDROP TABLE"],
      ["databricks_volume", volume, "goes with the catalog `orders`", "never", "no command brings them back"],
    ])("says of a %s that it goes with that, and how it comes back", (type, before, whole, how, words) => {
      const deleted = [on("delete", "azurerm_resource_group", group), on("delete", "databricks_catalog", catalog)];
      const [loss] = forgotten(...deleted, on("forget", type, before));
      expect(loss).toMatchObject({
        headline: expect.stringContaining(` is forgotten, and ${whole}. It holds `) as string,
        recovery: { how },
      });
      expect(loss?.details.join()).toContain(words);
      expect(loss?.details.join()).not.toContain("terraform import");
    });

    it("says it of files of which the container goes", () => {
      const gone = on("delete", "azurerm_storage_container", container);
      const its = { ...catalog, storage_root: "abfss://orders@lake.dfs.core.windows.net/t" };
      const [loss] = forgotten(gone, on("forget", "databricks_catalog", its));
      expect(loss?.recovery.how).not.toBe("nothing is lost");
      expect(loss?.details.join()).toContain("Its tables have their files in the container `orders`");
    });

    it("says it of what is in something that is forgotten and goes as well", () => {
      const all = [on("forget", "azurerm_storage_container", container), on("forget", "azurerm_storage_account", lake)];
      expect(forgotten(on("delete", "azurerm_resource_group", group), ...all)).toMatchObject([
        { headline: expect.stringContaining("may go with the resource group `rg`") as string },
        { headline: expect.stringContaining("goes with the storage account `lake`") as string },
      ]);
      expect(forgotten(...all).map(({ recovery }) => recovery.how)).toEqual(["nothing is lost", "nothing is lost"]);
    });

    it("says that it stays in another one, and in one that is not deleted while there is something in it", () => {
      const inSchema = on("forget", "databricks_volume", volume);
      for (const whole of [
        on("delete", "databricks_schema", schema),
        on("delete", "databricks_schema", { ...schema, catalog_name: "others", force_destroy: true }),
        on("delete", "databricks_catalog", { name: "others", force_destroy: true }),
      ]) {
        expect(forgotten(whole, inSchema)).toMatchObject([{ recovery: { how: "nothing is lost" } }]);
      }
      const forced = on("delete", "databricks_schema", { ...schema, force_destroy: true });
      expect(forgotten(forced, inSchema)).toMatchObject([{ recovery: { how: "never" } }]);
    });
  });

  it("says of a workspace that goes how much of other stacks goes with it, though their plans leave it there", () => {
    const workspace = (actions: readonly string[], after: object | null) =>
      change({ type: "azurerm_databricks_workspace", actions, before: { name: "w" }, after });
    const there = ["databricks_job", "databricks_query", "databricks_catalog", "databricks_grants"].map((type) =>
      change({ type, before: { name: "a" }, after: { name: "a" } }),
    );
    const left = "What the stacks have in it goes as well, although their plans leave it there: 2 things.";
    const detailsOf = (...changes: Parameters<typeof plan>[0][number][]) => reviewed(plan(changes)).loss[0]?.details;
    expect(detailsOf(workspace(["delete", "create"], { name: "w" }), ...there)).toContain(
      `${left} Plan and apply once more after this.`,
    );
    expect(detailsOf(workspace(["delete"], null), ...there)).toContain(left);
    const job = change({ actions: ["delete"], before: { name: "a" }, after: null });
    expect(detailsOf(workspace(["delete"], null), job)).toEqual(["Databricks brings no workspace back."]);
  });

  it("says of a workspace that goes that no other one can use what is bound to it, and what to do before", () => {
    const stays = (type: string, name: string, isolation_mode: string, force_destroy?: boolean) => {
      const side = { name, isolation_mode, force_destroy };
      return change({ type, before: side, after: side });
    };
    const credential = stays("databricks_storage_credential", "identity", "ISOLATION_MODE_ISOLATED");
    const bound = [credential, stays("databricks_catalog", "orders", "ISOLATED", true)];
    const open = stays("databricks_external_location", "shared", "ISOLATION_MODE_OPEN");
    const job = change({ before: { name: "load" }, after: { name: "load" } });
    for (const rest of [
      { actions: ["delete", "create"], after: { name: "w" } },
      { actions: ["delete"], after: null },
    ]) {
      const workspace = change({ type: "azurerm_databricks_workspace", before: { name: "w" }, ...rest });
      expect(reviewed(plan([workspace, ...bound, open, job])).loss[0]?.details).toEqual([
        "Databricks brings no workspace back.",
        "What the stacks have in it goes as well, although their plans leave it there: 1 thing.",
        expect.stringContaining(
          "Only this workspace can use the catalog `orders` and the storage credential `identity`:",
        ),
        expect.stringMatching(/take down whatever sandboxes .*`npx cdktf destroy 'prod-\{catalog,pipeline\}'`/),
      ]);
      const lasting = [credential, stays("databricks_catalog", "orders", "ISOLATED", false)];
      expect(reviewed(plan([workspace, ...lasting])).loss[0]?.details.at(-1)).toMatch(
        /`npx cdktf destroy prod-pipeline`.* bind all of these to the next workspace by hand/,
      );
      const gone = change({ type: "databricks_catalog", actions: ["delete"], before: CATALOG, after: null });
      const { loss } = reviewed(plan([workspace, gone, open]));
      expect(loss.find(({ address }) => address.includes("workspace"))?.details).toEqual([
        "Databricks brings no workspace back.",
      ]);
    }
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

  it("takes a principal's name in another case for the same", () => {
    const ofCases = (before: string, after: string, level: string) => {
      const entry = (group_name: string, permission_level: string) => ({
        ...{ job_id: "7", access_control: [{ group_name, permission_level }] },
      });
      const sides = { before: entry(before, "CAN_MANAGE"), after: entry(after, level) };
      return headlines(
        reviewed(plan([change({ type: "databricks_permissions", actions: ["update"], ...sides })])).access,
      );
    };
    expect(ofCases("owners", "Owners", "CAN_MANAGE")).toEqual([]);
    expect(ofCases("owners", "Owners", "CAN_VIEW")).toEqual([
      expect.stringMatching(/^`Owners` loses `CAN_MANAGE` and gains `CAN_VIEW` /),
    ]);
  });

  it("flags nobody who loses a right on what is deleted itself", () => {
    const job = { id: "7", name: "load" };
    const access_control = [{ service_principal_name: "us", permission_level: "IS_OWNER" }];
    const permissions = { type: "databricks_permissions", before: { job_id: "7", access_control }, after: null };
    const ofJob = (rest: Parameters<typeof change>[0]) =>
      reviewed(plan([change(rest), change({ actions: ["delete"], ...permissions })]));
    expect(ofJob({ actions: ["delete"], before: job, after: null })).toMatchObject({
      access: [{ headline: expect.stringContaining("`us` loses `IS_OWNER`") as string, details: [] }],
      verdict: "changes",
    });
    expect(ofJob({ before: job, after: job }).access[0]?.details[0]).toContain("lock themselves out");
  });

  it("flags who loses a right on what is only at another address, or was deposed, and nobody who keeps it there", () => {
    const entry = (service_principal_name: string, permission_level: string) => ({
      ...{ service_principal_name, permission_level },
    });
    const reader = entry("them", "CAN_VIEW");
    const permissions = (...access_control: object[]) =>
      change({
        ...{ type: "databricks_permissions", actions: ["delete", "create"], replace_paths: [["job_id"]] },
        before: { job_id: "7", access_control: [entry("us", "IS_OWNER"), reader] },
        ...{ after: { access_control: [...access_control, reader] }, after_unknown: { job_id: true } },
      });
    const references = ["databricks_job.new.id", "databricks_job.new"];
    const resources = [{ address: "databricks_permissions.it", expressions: { job_id: { references } } }];
    const ofJobs = (old: object, made: object, ...kept: object[]) =>
      reviewed(
        plan(
          [
            change({ actions: ["delete"], before: { id: "7", name: "load" }, after: null, ...old }),
            change({ address: "databricks_job.new", ...made }),
            permissions(...kept),
          ],
          { configuration: { root_module: { resources } } },
        ),
      ).access;
    const moved = { actions: ["create"], before: null, after: { name: "load" }, after_unknown: { id: true } };
    const living = { before: { id: "8", name: "renamed" }, after: { id: "8", name: "renamed" } };
    for (const access of [
      ofJobs({ address: "databricks_job.old" }, moved),
      ofJobs({ address: "databricks_job.new", deposed: "ab12" }, living),
    ]) {
      expect(access).toMatchObject([
        {
          headline: expect.stringContaining("`us` loses `IS_OWNER`") as string,
          details: [expect.stringContaining("lock themselves out")],
        },
      ]);
    }
    expect(ofJobs({ address: "databricks_job.old" }, moved, entry("us", "IS_OWNER"))).toEqual([]);
  });

  it.each([
    ["databricks_catalog.it", { deposed: "ab12" }],
    ["databricks_catalog.other", {}],
    ["databricks_storage_credential.it", { type: "databricks_storage_credential" }],
  ])("flags who loses a right on what stays, while %s of the same id goes", (address, rest) => {
    const catalog = { id: "orders", name: "orders" };
    const { access } = reviewed(
      plan([
        change({ type: "databricks_catalog", before: catalog, after: catalog }),
        change({
          ...{ type: "databricks_catalog", address, actions: ["delete"], before: catalog, after: null },
          ...rest,
        }),
        change({ type: "databricks_grants", actions: ["update"], before: grants("MANAGE"), after: grants() }),
      ]),
    );
    expect(access[0]?.details[0]).toContain("lock themselves out");
  });

  it("flags a role that the plan names only by its id, and takes no role for the identity that has it", () => {
    const id = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
    const { access, verdict } = reviewed(
      plan([
        change({
          ...{ type: "azurerm_role_assignment", actions: ["create"], before: null },
          after: {
            ...{ scope: "/subscriptions/x", principal_id: "1111-2222" },
            role_definition_id: `/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/${id}`,
          },
          after_unknown: { role_definition_name: true },
        }),
      ]),
    );
    expect(access).toMatchObject([
      {
        headline: expect.stringMatching(/^`1111-2222` gains `.*8e3af657.*` on `\/subscriptions\/x`\.$/) as string,
        details: [
          `The plan names the role only by its id. What it allows is told by \`az role definition list --name ${id}\``,
        ],
      },
    ]);
    expect(verdict).toBe("second look");
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

  it.each(["account users", "Account Users"])("flags what everybody gains: %s", (principal) => {
    const after = { catalog: "orders", grant: [{ principal, privileges: ["SELECT"] }] };
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

  it.each([
    [
      "azurerm_role_assignment",
      { scope: "/subscriptions/1/resourceGroups/a", role_definition_name: "Contributor", principal_id: "p" },
      { scope: "/subscriptions/1" },
      ["/subscriptions/1/resourceGroups/a", "/subscriptions/1"],
    ],
    [
      "databricks_grants",
      { schema: "orders.a", grant: [{ principal: "account users", privileges: ["SELECT"] }] },
      { schema: null, catalog: "orders" },
      ["orders.a", "orders"],
    ],
    [
      "databricks_permissions",
      { job_id: "1", access_control: [{ group_name: "g", permission_level: "CAN_MANAGE" }] },
      { job_id: "2" },
      ["load", "erase"],
    ],
  ])("tells of a right of %s that is on something else", (type, before, other, [from, to]) => {
    const job = (id: string, name: string) => change({ address: `databricks_job.${name}`, before: { id, name } });
    const moved = change({ type, actions: ["delete", "create"], before, after: { ...before, ...other } });
    const catalog = change({ type: "databricks_catalog", before: { id: "orders", name: "orders" } });
    const { access, verdict } = reviewed(plan([job("1", "load"), job("2", "erase"), catalog, moved]));
    expect(headlines(access)).toEqual([
      expect.stringMatching(new RegExp(`loses .* on .*\`${from}\`\\.$`)),
      expect.stringMatching(new RegExp(`gains .* on .*\`${to}\`\\.$`)),
    ]);
    expect(verdict).toBe("second look");
  });

  it("names what a right is on by its address, where its id is known only later", () => {
    const assignment = change({
      type: "azurerm_role_assignment",
      actions: ["create"],
      before: null,
      after: { role_definition_name: "Reader", principal_id: "p" },
      after_unknown: { scope: true },
    });
    const expressions = { scope: { references: ["azurerm_storage_account.it.id", "azurerm_storage_account.it"] } };
    const { access } = reviewed(
      plan([account({ actions: ["create"], before: null, after: { name: "lake" } }), assignment], {
        configuration: { root_module: { resources: [{ address: "azurerm_role_assignment.it", expressions }] } },
      }),
    );
    expect(headlines(access)).toEqual(["`p` gains `Reader` on the storage account `lake`."]);
  });

  it("leaves a change in which everybody keeps their rights to the rest", () => {
    const { access, rest } = reviewed(
      plan([
        change({
          type: "databricks_grants",
          actions: ["delete", "create"],
          action_reason: "replace_because_tainted",
          before: grants("SELECT"),
          after: grants("SELECT"),
        }),
      ]),
    );
    expect(access).toEqual([]);
    expect(rest).toMatchObject([{ title: "Deleted and created anew", items: [{ address: "databricks_grants.it" }] }]);
  });

  it.each([
    ["@Resource[x]", null, "without a condition", true],
    ["@Resource[x]", "@Resource[y]", "under another condition", true],
    ["", "@Resource[x]", "under a condition", false],
  ])("tells of a role under the condition %j that is then under %j", (before, after, words, needsSecondLook) => {
    const role = (condition: string | null) => ({
      ...{ condition, principal_id: "p", scope: "/subscriptions/1" },
      role_definition_name: "Role Based Access Control Administrator",
    });
    const { access } = reviewed(
      plan([
        change({
          type: "azurerm_role_assignment",
          actions: ["delete", "create"],
          before: role(before),
          after: role(after),
        }),
      ]),
    );
    expect(access).toMatchObject([{ headline: expect.stringContaining(words) as string, needsSecondLook }]);
  });

  it.each([
    ["databricks_grants", "grant", "create"],
    ["databricks_grants", "grant", "update"],
    ["databricks_permissions", "access_control", "update"],
    ["databricks_catalog", "owner", "update"],
    ["databricks_job", "run_as", "update"],
  ])("flags rights of %s that nobody can see: %s, %s", (type, field, action) => {
    const side = (value: unknown) => ({ name: "a", [field]: value });
    const ofPlan = (rest: object) => reviewed(plan([change({ type, actions: [action], ...rest })]));
    const before = action === "create" ? null : side([{ principal: "a" }]);
    const later = ofPlan({ before, after: { name: "a" }, after_unknown: { [field]: true } });
    const hidden = ofPlan({
      ...{ before, before_sensitive: { [field]: true } },
      ...{ after: side([{ principal: "b" }]), after_sensitive: { [field]: true } },
    });
    for (const { access } of [later, hidden]) {
      expect(access.map(({ headline, needsSecondLook }) => needsSecondLook && headline)).toEqual([
        expect.stringContaining("The plan does not show "),
      ]);
    }
  });

  it.each([
    ["databricks_catalog", { owner: "old" }, { owner: true }],
    ["databricks_job", { run_as: [{ user_name: "old" }] }, { run_as: [{ user_name: true }] }],
    [
      "databricks_permissions",
      { access_control: [{ user_name: "old", permission_level: "CAN_MANAGE" }] },
      { access_control: true },
    ],
  ])("does not tell of rights of %s that somebody loses, as they may keep them: %j", (type, before, after_unknown) => {
    const { access } = reviewed(
      plan([
        change({
          ...{ type, actions: ["update"], before: { name: "a", ...before } },
          ...{ after: { name: "a" }, after_unknown },
        }),
      ]),
    );
    expect(access).toMatchObject([{ gained: [], lost: [], needsSecondLook: true }]);
  });

  it("tells rights that nobody sees once", () => {
    const side = (principal: string) => ({ catalog: "orders", grant: [{ principal, privileges: ["SELECT"] }] });
    const mark = { grant: [{ principal: true }] };
    const { access } = reviewed(
      plan([
        change({
          ...{ type: "databricks_grants", actions: ["update"], before: side("somebody"), after: side("another") },
          ...{ before_sensitive: mark, after_sensitive: mark },
        }),
      ]),
    );
    expect(access).toMatchObject([{ gained: [{ privilege: "SELECT" }], lost: [{ privilege: "SELECT" }] }]);
    expect(headlines(access)).toEqual([expect.stringContaining("The plan does not show whom the grants")]);
  });

  it("tells rights that are seen beside those that are not", () => {
    const grant = [{ principal: "analysts", privileges: ["MODIFY"] }, { privileges: ["SELECT"] }];
    const { access } = reviewed(
      plan([
        change({
          ...{ type: "databricks_grants", actions: ["update"], before: grants("SELECT") },
          ...{ after: { catalog: "orders", grant }, after_unknown: { grant: [{}, { principal: true }] } },
        }),
      ]),
    );
    expect(headlines(access)).toEqual([
      expect.stringContaining("The plan does not show whom the grants"),
      expect.stringContaining("`analysts` loses `SELECT` (query its tables) and gains `MODIFY`"),
    ]);
  });

  it.each(["role_definition_name", "scope", "principal_id"])(
    "flags a role whose %s is another one that is hidden",
    (field) => {
      const role = { role_definition_name: "Reader", scope: "/subscriptions/1", principal_id: "somebody" };
      const { access, verdict } = reviewed(
        plan([
          change({
            ...{ type: "azurerm_role_assignment", actions: ["delete", "create"] },
            ...{ before: role, after: { ...role, [field]: "another" } },
            after_sensitive: { [field]: true },
          }),
        ]),
      );
      expect(access.some(({ gained, needsSecondLook }) => gained.length > 0 && needsSecondLook)).toBe(true);
      expect(verdict).toBe("second look");
    },
  );

  it.each([
    ["databricks_catalog", (owner: string) => ({ name: "a", owner })],
    ["databricks_external_location", (owner: string) => ({ name: "a", owner })],
    ["databricks_job", (name: string) => ({ name: "a", run_as: [{ service_principal_name: name }] })],
    ["databricks_alert_v2", (name: string) => ({ display_name: "a", run_as: { service_principal_name: name } })],
  ])("tells of another owner or runner of what is replaced: %s", (type, side) => {
    const replaced = (before: object, after: object, more: object = {}) =>
      reviewed(plan([change({ type, actions: ["delete", "create"], before, after, ...more })])).access;
    expect(replaced(side("old"), side("new"))).toMatchObject([
      { lost: [{ principal: "old" }], gained: [] },
      { lost: [], gained: [{ principal: "new" }] },
    ]);
    expect(replaced(side("old"), side("old"))).toEqual([]);
    const [field = ""] = Object.keys(side("")).filter((each) => each === "owner" || each === "run_as");
    const later = replaced(side("old"), { name: "a" }, { after_unknown: { [field]: true } });
    expect(later).toMatchObject([{ needsSecondLook: true }]);
  });

  it.each([
    ["databricks_permissions", "job_id", { access_control: [{ group_name: "g", permission_level: "CAN_RUN" }] }],
    ["azurerm_role_assignment", "scope", { role_definition_name: "Reader", principal_id: "p" }],
  ])("tells of a right of %s that is on another thing of the same name", (type, field, right) => {
    const job = (id: string) => change({ address: `databricks_job.j${id}`, before: { id, name: "load" } });
    const [before, after] = ["1", "2"].map((id) => ({ ...right, [field]: id }));
    const { access } = reviewed(
      plan([job("1"), job("2"), change({ type, actions: ["delete", "create"], before, after })]),
    );
    expect(headlines(access)).toEqual([
      expect.stringMatching(/loses .* on the job `load`\.$/),
      expect.stringMatching(/gains .* on the job `load`\.$/),
    ]);
  });

  it("flags privileges that are known only later, of somebody who is known", () => {
    const { access } = reviewed(
      plan([
        change({
          type: "databricks_grants",
          actions: ["create"],
          before: null,
          after: { catalog: "orders", grant: [{ principal: "analysts" }] },
          after_unknown: { grant: [{ privileges: true }] },
        }),
      ]),
    );
    expect(access).toMatchObject([{ needsSecondLook: true }]);
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

  it("calls un-pausing dangerous, and pausing just as much", () => {
    expect(headlines(changed(job(60, "PAUSED"), job(60)).inPlace)[0]).toContain("It starts by itself from now on.");
    expect(changed(job(60), job(60, "PAUSED"))).toMatchObject({
      inPlace: [
        {
          headline: expect.stringContaining("Nothing starts it by itself from now on") as string,
          details: ["`trigger.pause_status`: `UNPAUSED` → `PAUSED`"],
        },
      ],
      running: [],
      verdict: "second look",
    });
  });

  it.each(["UNPAUSED", "PAUSED"])("says what may happen where nobody sees if what was %s will be", (pause) => {
    const { trigger, ...rest } = job(60, pause);
    const after = { ...rest, trigger: trigger.map(({ file_arrival }) => ({ file_arrival })) };
    const { inPlace } = reviewed(
      plan([
        change({
          ...{ actions: ["update"], before: { ...rest, trigger }, after },
          after_unknown: { trigger: [{ pause_status: true }] },
        }),
      ]),
    );
    const words = pause === "PAUSED" ? "It starts by itself" : "Nothing starts it by itself";
    expect(headlines(inPlace)).toEqual([expect.stringContaining(`Perhaps: ${words} from now on`)]);
  });

  it.each([
    ["databricks_job", { trigger: [{ pause_status: "UNPAUSED" }] }, { trigger: [] }, true],
    ["databricks_job", { schedule: [{ pause_status: null, quartz_cron_expression: "0 0 1 * * ?" }] }, {}, true],
    ["databricks_alert_v2", { schedule: { pause_status: "UNPAUSED" } }, { schedule: { pause_status: "PAUSED" } }, true],
    [
      "databricks_job",
      { trigger: [{ pause_status: "UNPAUSED" }] },
      { schedule: [{ pause_status: "UNPAUSED" }] },
      false,
    ],
    ["databricks_job", { trigger: [{ pause_status: "PAUSED" }] }, { trigger: [] }, false],
  ])("calls it dangerous that nothing starts %s any more: %j → %j", (type, before, after, isDangerous) => {
    const name = { name: "a", display_name: "a" };
    const { inPlace } = reviewed(
      plan([change({ type, actions: ["update"], before: { ...name, ...before }, after: { ...name, ...after } })]),
    );
    const found = headlines(inPlace).filter((each) => each.includes("Nothing starts it by itself from now on"));
    expect(found).toHaveLength(isDangerous ? 1 : 0);
  });

  const ALERT = { display_name: "late", schedule: { pause_status: "UNPAUSED", quartz_cron_schedule: "0 0 1 * * ?" } };

  it.each([
    ["databricks_job", job(60), true],
    ["databricks_job", job(60, "PAUSED"), false],
    ["databricks_job", { name: "erase" }, false],
    ["databricks_alert_v2", ALERT, true],
  ])("calls it dangerous that %s goes if it started by itself: %j", (type, side, isDangerous) => {
    const gone = { type, address: `${type}.old`, actions: ["delete"], before: side, after: null };
    const { inPlace, verdict } = reviewed(plan([change(gone)]));
    expect(headlines(inPlace).filter((each) => each.includes("What started by itself does so no longer"))).toHaveLength(
      isDangerous ? 1 : 0,
    );
    expect(verdict).toBe(isDangerous ? "second look" : "changes");
    const moved = change({ type, address: `${type}.new`, actions: ["create"], before: null, after: side });
    expect(reviewed(plan([change(gone), moved])).inPlace).toEqual([]);
    const forgotten = change({ ...gone, actions: ["forget"] });
    expect(reviewed(plan([forgotten])).inPlace).toEqual([]);
  });

  it("compares whether a job starts by itself with what it did at another address", () => {
    const old = (before: object) => change({ address: "databricks_job.old", actions: ["delete"], before, after: null });
    const both = (before: object, after: object) =>
      reviewed(
        plan([old(before), change({ address: "databricks_job.new", actions: ["create"], before: null, after })]),
      );
    const moved = (before: object, after: object) => headlines(both(before, after).inPlace);
    expect(both(job(60), job(60)).costs).toEqual([]);
    expect(headlines(both(job(60), job(60, "PAUSED")).costs)).toContainEqual(
      expect.stringContaining("ceases to start by itself"),
    );
    const there = job(60, "PAUSED");
    const twin = change({ address: "databricks_job.new", actions: ["no-op"], before: there, after: there });
    expect(headlines(reviewed(plan([old(job(60)), twin])).inPlace)).toEqual([
      expect.stringContaining("What started by itself does so no longer"),
    ]);
    const notAsItWas = "The job `load` is not made anew as it was. ";
    expect(moved(job(60), job(60, "PAUSED"))).toEqual([
      expect.stringContaining(`${notAsItWas}Nothing starts it by itself from now on`),
    ]);
    expect(moved(job(60, "PAUSED"), job(60))).toEqual([`${notAsItWas}It starts by itself from now on.`]);
    expect(moved(job(60), { ...job(60, "PAUSED"), name: "other" })).toEqual([
      expect.stringContaining("What started by itself does so no longer"),
    ]);
  });

  it("calls it dangerous that an alert tells nobody any more", () => {
    const alert = (...subscriptions: object[]) => ({ ...ALERT, evaluation: { notification: { subscriptions } } });
    const [us, them] = [{ user_email: "us@example.com" }, { user_email: "them@example.com" }];
    const ofSides = (before: object, after: object, after_unknown: object = {}) =>
      headlines(
        reviewed(plan([change({ type: "databricks_alert_v2", actions: ["update"], before, after, after_unknown })]))
          .inPlace,
      );
    const words = [expect.stringContaining("changes in place. It tells nobody from now on") as string];
    expect(ofSides(alert(us), alert())).toEqual(words);
    expect(ofSides(alert(us, them), { ...ALERT, evaluation: { notification: null } })).toEqual(words);
    expect([...ofSides(alert(us, them), alert(us)), ...ofSides(alert(), alert(us))]).toEqual([]);
    const one = { evaluation: { notification: { subscriptions: [{ destination_id: true }] } } };
    expect(ofSides(alert(us), alert({ user_email: null }), one)).toEqual([]);
    const all = { evaluation: { notification: { subscriptions: true } } };
    expect(ofSides(alert(us), { ...ALERT, evaluation: { notification: {} } }, all)).toEqual([
      expect.stringContaining("Perhaps: It tells nobody from now on"),
    ]);
  });

  it("calls it dangerous that runs leave out a task", () => {
    const tasks = (disabled: boolean | null) => ({ name: "load", task: [{ task_key: "merge", disabled }] });
    expect(changed(tasks(null), tasks(true)).inPlace).toMatchObject([
      {
        headline: expect.stringContaining("Its runs leave out a task from now on") as string,
        details: ["`task[merge].disabled`: nothing → `true`"],
      },
    ]);
    expect(changed(tasks(true), tasks(false)).inPlace).toEqual([]);
    const looped = (disabled: boolean | null) => ({
      name: "load",
      task: [{ task_key: "loop", for_each_task: [{ task: [{ task_key: "merge", disabled }] }] }],
    });
    expect(changed(looped(null), looped(true)).inPlace).toHaveLength(1);
  });

  it("tells what it costs that an alert looks at other times, and that a job always runs", () => {
    const hourly = { ...ALERT, schedule: { ...ALERT.schedule, quartz_cron_schedule: "0 0 * * * ?" } };
    const alert = change({ type: "databricks_alert_v2", actions: ["update"], before: ALERT, after: hourly });
    expect(headlines(reviewed(plan([alert])).costs)).toEqual([
      "The alert `late` will cost something else: `schedule.quartz_cron_schedule`: `0 0 1 * * ?` → `0 0 * * * ?`.",
    ]);
    const continuous = (pause_status: string) => ({ ...job(60), trigger: [], continuous: [{ pause_status }] });
    const words = "The job `load` always runs from now on, and so always costs compute.";
    for (const before of [{ ...job(60), trigger: [{ pause_status: "UNPAUSED" }] }, continuous("PAUSED")])
      expect(headlines(changed(before, continuous("UNPAUSED")).costs)).toEqual([words]);
    expect(headlines(changed({ ...job(60), trigger: [] }, continuous("PAUSED")).costs)).toEqual([]);
  });

  it.each([
    [
      "databricks_job",
      { trigger: [{ pause_status: "PAUSED", file_arrival: [{ url: "/Volumes/a/" }] }] },
      { trigger: [{ file_arrival: [{ url: "/Volumes/a/" }] }] },
      { trigger: [{ pause_status: true }] },
    ],
    ["databricks_job", { trigger: [{ pause_status: "UNPAUSED" }] }, {}, { trigger: true }],
    [
      "databricks_alert_v2",
      { schedule: { pause_status: "PAUSED" } },
      { schedule: {} },
      { schedule: { pause_status: true } },
    ],
  ])("does not say that %s starts or ceases to where nobody sees it: %j", (type, before, after, after_unknown) => {
    const { costs } = reviewed(plan([change({ type, actions: ["update"], before, after, after_unknown })]));
    expect(costs).toEqual([]);
  });

  it("tells what changes in an alert, whoever it runs as, and whether it still starts by itself", () => {
    const alert = (query_text: string, pause_status: string) => ({
      ...{ query_text, display_name: "late", owner_user_name: "us" },
      run_as: { service_principal_name: "runner" },
      schedule: { pause_status, quartz_cron_schedule: "0 0 1 * * ?" },
    });
    const { running, costs } = reviewed(
      plan([
        change({
          type: "databricks_alert_v2",
          actions: ["update"],
          before: alert("SELECT 1", "UNPAUSED"),
          after: { ...alert("SELECT 2", "PAUSED"), owner_user_name: undefined },
          after_unknown: { owner_user_name: true },
        }),
      ]),
    );
    expect(running).toMatchObject([{ details: ["`query_text`: `SELECT 1` → `SELECT 2`"] }]);
    expect(headlines(costs)).toEqual([
      "The alert `late` ceases to start by itself, and so to cost minutes of compute.",
    ]);
  });

  it("says why a thing is replaced, and what changes with that", () => {
    const hook = (to: string) => ({
      ...job(60),
      webhook_notifications: [{ on_failure: [{ id: to }] }],
      url: `https://${to}`,
    });
    const replaced = (rest: object) =>
      reviewed(plan([change({ actions: ["delete", "create"], before: { ...hook("us"), id: "7" }, ...rest })]));
    const tainted = replaced({
      after: hook("them"),
      after_unknown: { id: true },
      action_reason: "replace_because_tainted",
    });
    expect(tainted.running).toMatchObject([
      {
        details: [
          "Since an earlier deployment left it half made (tainted).",
          "The list of its runs goes with it.",
          "`webhook_notifications.on_failure.id`: `us` → `them`",
        ],
      },
    ]);
    const forced = replaced({
      ...{ after: { ...hook("us"), name: "other" }, after_unknown: { id: true } },
      replace_paths: [["name"]],
    });
    expect(forced.running[0]?.details).toEqual([
      "Forced by `name`: `load` → `other`.",
      "The list of its runs goes with it.",
    ]);
    const paused = replaced({ before: job(60, "PAUSED"), after: job(60) });
    expect(headlines(paused.inPlace)).toEqual([
      "The job `load` is not made anew as it was. It starts by itself from now on.",
    ]);
  });

  it("shows of long values where they begin to differ", () => {
    const query = (days: number) =>
      `SELECT ${"a, ".repeat(80)}b FROM t WHERE age > ${days} ORDER BY ${"c, ".repeat(80)}d`;
    const [detail = ""] =
      changed({ name: "a", sql: query(30) }, { name: "a", sql: query(9) }).running[0]?.details ?? [];
    expect(detail).toMatch(
      /^`sql`: `\.\.\. a, .*age > 30 ORDER BY .*\.\.\. \(\d+ characters\)` → `\.\.\..*age > 9 ORDER BY /,
    );
  });

  it("tells elements of a list that differ only where they are too long to show", () => {
    const place = `/subscriptions/${"a".repeat(200)}/subnets`;
    const lists = (before: readonly string[], after: readonly string[]) =>
      changed({ name: "a", subnets: before }, { name: "a", subnets: after }).running[0]?.details[0];
    const shown = (name: string) => String.raw`\`\.\.\.a+/subnets/${name} \(\d+ characters\)\``;
    expect(lists([`${place}/hosts`], [`${place}/pods`])).toMatch(
      new RegExp(`^\`subnets\`: gains ${shown("pods")} loses ${shown("hosts")}$`),
    );
    expect(lists([`${place}/hosts`, `${place}/a`], [`${place}/pods`, `${place}/b`, `${place}/a`])).toMatch(
      new RegExp(`^\`subnets\`: gains ${shown("pods")}, ${shown("b")} loses ${shown("hosts")}$`),
    );
    const [one, two] = [`${place}/hosts`, `${place}/pods`];
    expect(lists([one], [one, two])).toMatch(new RegExp(`^\`subnets\`: gains ${shown("pods")}$`));
    expect(lists([two, one], [two])).toMatch(new RegExp(`^\`subnets\`: loses ${shown("hosts")}$`));
    expect(lists([], [two])).toMatch(new RegExp(`^\`subnets\`: gains ${shown("pods")}$`));
    const parameter = (end: string) => ({ name: "a", parameter: [{ name: "p", default: `${place}/${end}` }] });
    expect(changed(parameter("hosts"), parameter("pods")).running[0]?.details).toEqual([
      expect.stringMatching(new RegExp(`^parameter \`p\`: ${shown("hosts")} → ${shown("pods")}$`)),
    ]);
  });

  it("tells elements of a list that are known only later", () => {
    const ranges = (...ip_access: (string | null)[]) => ({ name: "a", ip_access });
    const { running } = reviewed(
      plan([
        change({
          ...{ actions: ["update"], before: ranges("1.2.3.4"), after: ranges("1.2.3.4", null) },
          after_unknown: { ip_access: [false, true] },
        }),
      ]),
    );
    expect(running[0]?.details).toEqual(["`ip_access`: gains what is known only after it is applied"]);
  });

  it("names a sensitive field that changes, and shows none of its values", () => {
    const hidden = (url: string) => ({ display_name: "us", config: [{ slack: [{ url }] }] });
    const ofUrls = (before: string, after: string) =>
      reviewed(
        plan([
          change({
            type: "databricks_notification_destination",
            actions: ["update"],
            before: hidden(before),
            after: hidden(after),
            before_sensitive: { config: [{ slack: [{ url: true }] }] },
          }),
        ]),
      );
    expect(ofUrls("https://old", "https://new").running[0]?.details).toEqual([
      "`config.slack.url`: `(sensitive value)` → `(another sensitive value)`",
    ]);
    expect(ofUrls("https://old", "https://old").running).toEqual([]);
  });

  it("names each file of code that comes or goes while others stay", () => {
    const file = (name: string, actions: readonly string[]) => {
      const side = { source: `assets/${name}/0123/${name}.py`, path: `/order-tracking/prod/code-01ab/pkg/${name}.py` };
      return change({
        ...{ type: "databricks_workspace_file", address: `databricks_workspace_file.${name}`, actions },
        ...{ before: actions[0] === "create" ? null : side, after: actions[0] === "delete" ? null : side },
      });
    };
    const files = ["new", "found"].map((each) => file(each, ["create"]));
    const found = {
      ...{ file: "notebooks/pkg/found.py", source: "assets/found/0123/found.py", isNew: true },
      ...{ added: 1, removed: 0, diff: "+1" },
    };
    const { running } = reviewed(plan([...files, file("old", ["delete"])]), { files: [found] });
    expect(headlines(running)).toEqual([
      "`notebooks/pkg/found.py` is new: +1 -0.",
      "`pkg/new.py` is new.",
      "`pkg/old.py` goes.",
    ]);
    expect(reviewed(plan(files)).running).toEqual([]);
  });

  it("shows what differs in code and in the contract", () => {
    const file = "notebooks/order_tracking/contract/rule.py";
    const found = reviewed(plan([]), {
      files: [{ file, source: "", isNew: false, added: 1, removed: 0, diff: "@@ -1 +1,2 @@\n a\n+```b" }],
      contract: ["`status` is now required"],
    });
    expect(headlines(found.running)).toEqual([
      "The contract of the order files changes.",
      "`notebooks/order_tracking/contract/rule.py` changes: +1 -0.",
    ]);
    expect(asMarkdown(found)).toContain("  ````diff\n  @@ -1 +1,2 @@\n   a\n  +```b\n  ````\n");
    expect(found.verdict).not.toBe("second look");
  });

  it("asks for a second look at another type of a column", () => {
    const [before, after] = ["int", "bigint"].map((type) => ({ columns: [{ name: "weight", type }] }));
    expect(reviewed(plan([]), { contract: contractChanges(before, after) }).verdict).toBe("second look");
  });
});

/** As its provider writes an audit log: of category and group, the one that is not set is empty. */
const logs = (...names: string[]) => ({
  name: "audit",
  enabled_log: names.map((name) =>
    ["allLogs", "audit"].includes(name)
      ? { category: "", category_group: name }
      : { category: name, category_group: "" },
  ),
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
  [
    "azurerm_storage_account_network_rules",
    { default_action: "Deny" },
    { default_action: "Allow" },
    "who can reach the lake",
  ],
  [
    "azurerm_monitor_diagnostic_setting",
    logs("StorageRead", "StorageDelete"),
    logs("StorageDelete"),
    "leaves no trace of who did it",
  ],
  ["azurerm_monitor_diagnostic_setting", logs("allLogs"), logs("StorageDelete"), "leaves no trace of who did it"],
  [
    "azurerm_monitor_diagnostic_setting",
    logs("StorageRead", "audit"),
    logs("StorageDelete", "audit"),
    "leaves no trace of who did it",
  ],
  ["databricks_dashboard", { embed_credentials: false }, { embed_credentials: true }, "what its publisher may query"],
])("calls a change of %s in place dangerous: %j", (type, before, after, words) => {
  const { inPlace, verdict } = reviewed(plan([change({ type, actions: ["update"], before, after })]));
  expect(headlines(inPlace).join()).toContain(words);
  expect(verdict).toBe("second look");
});

test.each([
  ["azurerm_storage_account", "shared_access_key_enabled"],
  ["databricks_schema", "force_destroy"],
])("calls it dangerous that nobody can see what a safeguard of %s will be: %s", (type, field) => {
  const before = { name: "a", [field]: false };
  const { inPlace } = reviewed(
    plan([change({ type, actions: ["update"], before, after: { name: "a" }, after_unknown: { [field]: true } })]),
  );
  // Nobody knows that it ends.
  expect(inPlace).toMatchObject([{ headline: expect.stringContaining(" Perhaps: ") as string, needsSecondLook: true }]);
});

test("calls it dangerous that a policy puts files where no replay can read them, or sooner than it did", () => {
  const age = "tier_to_archive_after_days_since_modification_greater_than";
  const rule = (days: number | null, prefix = "orders/archive/", more: object = {}) => ({
    ...{ name: "archive", enabled: true, filters: [{ prefix_match: [prefix] }], ...more },
    actions: [{ base_blob: [{ [age]: days }] }],
  });
  const ofRules = (before: readonly object[], after: readonly object[], rest: object = {}) => {
    const type = "azurerm_storage_management_policy";
    const sides = { before: { rule: before }, after: { rule: after } };
    return reviewed(plan([change({ type, actions: ["update"], ...sides, ...rest })])).inPlace;
  };
  const field = `rule[archive].actions.base_blob.${age}`;
  const words = expect.stringContaining("in place. Azure puts files where nobody can read them") as string;
  expect(ofRules([rule(-1)], [rule(1)])).toMatchObject([
    { headline: words, details: [`\`${field}\`: \`-1\` → \`1\``], needsSecondLook: true },
  ]);
  for (const [before, after] of [
    [[rule(null)], [rule(1)]],
    [[rule(90)], [rule(30)]],
    [[], [rule(1)]],
    [[rule(1, "orders/archive/", { enabled: false })], [rule(1)]],
    [[rule(1, "others/")], [rule(1)]],
  ] as const) {
    expect(headlines(ofRules(before, after))).toEqual([words]);
  }
  for (const [before, after] of [
    [[rule(1)], [rule(-1)]],
    [[rule(30)], [rule(90)]],
    [[rule(1)], []],
    [[rule(1)], [rule(1, "orders/archive/", { name: "renamed" })]],
  ] as const) {
    expect(ofRules(before, after)).toEqual([]);
  }
  const unseen = { after_unknown: { rule: [{ actions: [{ base_blob: [{ [age]: true }] }] }] } };
  expect(headlines(ofRules([rule(-1)], [rule(null)], unseen))).toEqual([
    expect.stringContaining("Perhaps: Azure puts files where nobody can read them"),
  ]);
});

test("calls it dangerous that a new policy puts files of an account that stays where no replay can read them", () => {
  const rule = (days: number) => ({
    ...{ name: "archive", enabled: true, filters: [{ prefix_match: ["orders/archive/"] }] },
    actions: [{ base_blob: [{ tier_to_archive_after_days_since_modification_greater_than: days }] }],
  });
  const policy = (days: number) => ({ storage_account_id: "/lake", rule: [rule(days)] });
  const lake = { id: "/lake", name: "lake" };
  const ofPolicies = (ofAccount: object, ...policies: object[]) =>
    reviewed(
      plan([
        account({ before: lake, after: lake, ...ofAccount }),
        ...policies.map((each) => change({ type: "azurerm_storage_management_policy", ...each })),
      ]),
    ).inPlace;
  const made = { actions: ["create"], before: null, after: policy(1) };
  const gone = (days: number) => ({ address: "a.old", actions: ["delete"], before: policy(days), after: null });
  const words = expect.stringContaining("is made. Azure puts files where nobody can read them") as string;
  expect(ofPolicies({}, made)).toMatchObject([{ headline: words, needsSecondLook: true }]);
  expect(ofPolicies({}, { ...made, after: policy(-1) })).toEqual([]);
  expect(ofPolicies({ actions: ["create"], before: null }, made)).toEqual([]);
  const isDeletedAgain = expect.stringContaining("is deleted from where it is put anew") as string;
  expect(headlines(ofPolicies({}, made, gone(1)))).toEqual([isDeletedAgain]);
  expect(headlines(ofPolicies({}, made, gone(90)))).toEqual([isDeletedAgain, words]);
});

test("names a category of the audit log that goes, and calls one that comes no danger", () => {
  const ofLogs = (before: object, after: object) =>
    reviewed(plan([change({ type: "azurerm_monitor_diagnostic_setting", actions: ["update"], before, after })]))
      .inPlace;
  expect(ofLogs(logs("Read", "Delete"), logs("Delete"))).toMatchObject([{ details: ["`enabled_log[Read]` goes"] }]);
  expect(ofLogs(logs("Delete"), logs("Read", "Delete"))).toEqual([]);
  expect(ofLogs(logs("Read", "Delete"), logs("allLogs"))).toEqual([]);
  const kept = (retention_policy: object[]) => ({
    name: "audit",
    enabled_log: [{ category: "Read", category_group: "", retention_policy }],
  });
  // It says how long what is logged is kept, not what is.
  expect(ofLogs(kept([{ days: 9, enabled: true }]), kept([]))).toEqual([]);
});

test("calls code of another version no danger where its notebook is made anew for another reason", () => {
  const version = (hash: string) => ({
    path: `/order-tracking/prod/code-${hash}/load.py`,
    source: `assets/${hash}/load.py`,
  });
  const { inPlace, rest, verdict } = reviewed(
    plan([
      change({
        ...{ type: "databricks_notebook", actions: ["delete", "create"], action_reason: "replace_because_tainted" },
        ...{ before: { ...version("aaaa1111"), id: "1" }, after: version("bbbb2222"), after_unknown: { id: true } },
      }),
    ]),
  );
  expect(inPlace).toEqual([]);
  expect(rest).toMatchObject([{ title: "Code of another version" }]);
  expect(verdict).toBe("changes");
});

test("tells what is dangerous in what is made anew, but for the reason and what is always another of what is new", () => {
  const side = (action: string, isPublic: boolean, replication: string) => ({
    ...{ name: "lake", id: "1", public_network_access_enabled: isPublic, account_replication_type: replication },
    network_rules: [{ default_action: action, ip_rules: [] }],
  });
  const ofAccount = (after: object, after_unknown: object) =>
    reviewed(
      plan([
        account({
          ...{ actions: ["delete", "create"], replace_paths: [["account_replication_type"]] },
          ...{ before: side("Deny", false, "GZRS"), after, after_unknown },
        }),
      ]),
    ).inPlace;
  const headline = "The storage account `lake` is not made anew as it was. ";
  const laterRules = { id: true, network_rules: [{ ip_rules: true }] };
  expect(ofAccount({ ...side("Allow", true, "LRS"), id: undefined }, laterRules)).toMatchObject([
    {
      headline: expect.stringContaining(`${headline}This decides who can reach the lake`) as string,
      details: [
        "`network_rules.default_action`: `Deny` → `Allow`",
        "`public_network_access_enabled`: `false` → `true`",
      ],
    },
  ]);
  expect(ofAccount(side("Deny", false, "LRS"), {})).toEqual([]);
  expect(
    headlines(ofAccount({ ...side("", false, "LRS"), network_rules: undefined }, { network_rules: true })),
  ).toEqual([expect.stringContaining(`${headline}Perhaps: This decides who can reach the lake`)]);
  const laterDefault = { id: true, network_rules: [{ default_action: true, ip_rules: true }] };
  expect(ofAccount({ ...side("", false, "LRS"), id: undefined, network_rules: [{}] }, laterDefault)).toMatchObject([
    { details: ["`network_rules.default_action`: `Deny` → what is known only after it is applied"] },
  ]);
  // Names that the service chooses.
  const workspace = {
    name: "w",
    custom_parameters: [{ storage_account_name: "dbstorage1", vnet_address_prefix: "10.139", no_public_ip: true }],
  };
  const laterNames = { custom_parameters: [{ storage_account_name: true, vnet_address_prefix: true }] };
  const anew = change({
    ...{ type: "azurerm_databricks_workspace", actions: ["delete", "create"], before: workspace },
    ...{ after: { name: "w", custom_parameters: [{ no_public_ip: true }] }, after_unknown: laterNames },
  });
  expect(reviewed(plan([anew])).inPlace).toEqual([]);
});

test.each([
  ["databricks_dashboard", { display_name: "d", parent_path: "/reports" }, "path"],
  ["databricks_catalog", { name: "c", storage_root: "abfss://orders@lake/tables" }, "storage_location"],
])("a %s that is made anew is where it was, though only the service says where", (type, side, place) => {
  const anew = change({
    ...{ type, actions: ["delete", "create"], action_reason: "replace_because_tainted" },
    ...{ before: { ...side, id: "1", [place]: "somewhere" }, after: side, after_unknown: { id: true, [place]: true } },
  });
  expect(reviewed(plan([anew])).inPlace).toEqual([]);
});

test.each([
  ["azurerm_storage_account_network_rules", { default_action: "Deny" }, { default_action: "Allow" }],
  ["azurerm_virtual_network", { address_space: ["10.0.0.0/16"] }, { address_space: ["10.1.0.0/16"] }],
  [
    "databricks_volume",
    { volume_type: "EXTERNAL", storage_location: "abfss://orders@lake.dfs.core.windows.net/" },
    { volume_type: "MANAGED" },
  ],
])(
  "tells what is dangerous in a %s that others deleted, and that is not made anew as it was",
  (type, before, after) => {
    const ofSides = (to: object) => {
      const made = { actions: ["create"], before: null, after: { name: "a", ...to }, after_unknown: { guid: true } };
      const gone = { actions: ["delete"], before: { name: "a", guid: "1", read_only: false, ...before }, after: null };
      return reviewed(plan([change({ type, ...made })], { resource_drift: [change({ type, ...gone })] })).inPlace;
    };
    expect(ofSides(before)).toEqual([]);
    expect(ofSides(after)).toMatchObject([
      { headline: expect.stringContaining("is not made anew as it was") as string, needsSecondLook: true },
    ]);
  },
);

test("tells what else is another of what is missed while it is made anew", () => {
  const group = (location: string, access: string) => ({ name: "n", location, security_rule: [{ name: "r", access }] });
  const { inPlace } = reviewed(
    plan([
      change({
        ...{ type: "azurerm_network_security_group", actions: ["delete", "create"], replace_paths: [["location"]] },
        ...{ before: { ...group("a", "Deny"), id: "1" }, after: group("b", "Allow"), after_unknown: { id: true } },
      }),
    ]),
  );
  expect(inPlace).toMatchObject([
    { details: ["Forced by `location`: `a` → `b`.", "`security_rule[r].access`: `Deny` → `Allow`"] },
  ]);
});

test("tells together what has the same consequence when it goes, each with its reason and its source", () => {
  const gone = (address: string, action_reason?: string) =>
    change({
      type: "azurerm_subnet",
      address,
      actions: ["delete"],
      action_reason,
      before: { name: address },
      after: null,
    });
  const lines = new Map([["b", "stacks/b.ts:1"]]);
  const { inPlace } = reviewed(plan([gone("a"), gone("b", "delete_because_no_resource_config")]), {
    sources: { lines },
  });
  expect(inPlace).toMatchObject([
    {
      headline: "2 things are deleted. Clusters may lose their way to the lake, and others may find one.",
      details: ["The subnet `a`", "The subnet `b`: Since it is no longer in the configuration. From `stacks/b.ts:1`."],
    },
  ]);
  expect(inPlace[0]).not.toHaveProperty("source");
});

test.each([
  "azurerm_private_dns_zone",
  "azurerm_private_dns_zone_virtual_network_link",
  "azurerm_subnet_network_security_group_association",
  "azurerm_network_security_group",
  "azurerm_subnet",
  "azurerm_nat_gateway",
  "azurerm_monitor_diagnostic_setting",
  "azurerm_storage_account_network_rules",
  "azurerm_management_lock",
  "databricks_external_location",
])("calls it dangerous that %s goes", (type) => {
  for (const actions of [["delete", "create"], ["delete"], ["forget"]]) {
    const { inPlace, rest } = reviewed(
      plan([change({ type, actions, before: { name: "a" }, after: actions[1] ? { name: "b" } : null })]),
    );
    expect(inPlace).toMatchObject([{ address: `${type}.it`, needsSecondLook: true }]);
    expect(rest).toEqual([]);
  }
});

describe("going back to the code before a deployment that failed", () => {
  const folder = (before: object, after: object | null, rest: object = {}) =>
    change({
      type: "databricks_directory",
      before,
      after,
      actions: after ? ["create", "delete"] : ["delete"],
      replace_paths: after ? [["path"]] : [],
      ...rest,
    });
  const back = folder({ path: "/code-b" }, { path: "/code-a" });

  it("says that what is made is deleted with what the one before left at its path", () => {
    const left = folder({ path: "/code-a" }, null, { deposed: "12345678" });
    const { inPlace } = reviewed(plan([back, left]));
    expect(inPlace).toMatchObject([
      {
        headline: expect.stringContaining("puts it: the workspace folder at `/code-a`.") as string,
        needsSecondLook: true,
      },
    ]);
  });

  it("needs no second look where nothing is put there", () => {
    const left = folder({ path: "/code-c" }, null, { deposed: "12345678" });
    expect(reviewed(plan([back, left])).inPlace).toMatchObject([{ needsSecondLook: false }]);
  });

  it.each([
    ["databricks_notebook", { path: "/code-a/load.py" }, "the notebook at `/code-a/load.py`"],
    ["databricks_grants", { schema: "orders.a", grant: [] }, "the grants of `orders.a`"],
    ["databricks_permissions", { job_id: "7", access_control: [] }, "the permissions of `7`"],
    ["databricks_permission_assignment", { group_name: "g", principal_id: 7 }, "the workspace membership of `g`"],
    ["azurerm_storage_management_policy", { storage_account_id: "/lake" }, "the ages of archived files of `/lake`"],
  ])("says the same of %s that has only another address", (type, side, words) => {
    const moved = (after: object) =>
      reviewed(
        plan([
          change({ type, address: `${type}.old`, actions: ["delete"], before: { ...side, id: "1" }, after: null }),
          change({ type, address: `${type}.new`, actions: ["create"], before: null, after }),
        ]),
      ).inPlace;
    expect(moved(side)).toMatchObject([
      {
        headline: `What has another address from now on is deleted from where it is put anew: ${words}.`,
        needsSecondLook: true,
      },
    ]);
    const [field = ""] = Object.keys(side);
    expect(moved({ ...side, [field]: "elsewhere" })).toEqual([]);
    expect(moved({ ...side, [field]: undefined })).toEqual([]);
  });

  it("says the same of a membership under the name that its group has in another case", () => {
    const side = (group_name: string) => ({ group_name, permissions: ["USER"] });
    const membership = (address: string, rest: object) =>
      change({ type: "databricks_permission_assignment", address: `a.${address}`, ...rest });
    const { inPlace, verdict } = reviewed(
      plan([
        membership("old", { actions: ["delete"], before: side("loaders"), after: null }),
        membership("new", { actions: ["create"], before: null, after: side("Loaders") }),
      ]),
    );
    expect(headlines(inPlace)).toEqual([
      "What has another address from now on is deleted from where it is put anew: the workspace membership of `loaders`.",
    ]);
    expect(verdict).toBe("second look");
  });
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
        // A finding about several things has the names of all of them.
        before: { name: `${type}.${actions.join("-")}`, x: `${type}.${actions.join("-")}.before` },
        after: { name: `${type}.${actions.join("-")}`, x: `${type}.${actions.join("-")}.after` },
      }),
    ),
  );
  const found = reviewed(plan(changes));
  const told = JSON.stringify([found.loss, found.access, found.running, found.inPlace, found.rest]);
  const untold = changes.map(({ address }) => String(address)).filter((each) => !new RegExp(`${each}[\`"]`).test(told));
  expect(untold).toEqual([]);
  const isOfWhatStays = ({ address }: (typeof changes)[number]) =>
    /\.(update|delete-create|create-delete)$/.test(String(address));
  const fields = changes
    .filter(isOfWhatStays)
    .map(({ address }) => `\`x\`: \`${String(address)}.before\` → \`${String(address)}.after\``);
  expect(fields.filter((each) => !told.includes(each))).toEqual([]);
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
    expect(markdown).toMatch(
      /\*\*This is cut to fit a comment: .* All of it: `npm run -s order-tracking -- plan prod`\n/,
    );
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
