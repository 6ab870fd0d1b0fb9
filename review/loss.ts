/** What may be lost: whatever holds data and is replaced, deleted or forgotten, or will be kept for less long. */
import { type Difference, fieldOf, hasLater, isNothing, isUnseen, LATER } from "./differences.ts";
import { list, record, records, text, type Action, type Block, type Change } from "./plan.ts";
import { blockOf, type Finding, type Scene } from "./scene.ts";
import { code, counted, listed } from "./text.ts";
import { actionInWords, reasonInWords, typeInWords } from "./words.ts";

/** How a loss can be made good, the worst first. */
export const RECOVERIES = ["never", "perhaps", "by command", "nothing is lost"] as const;

export interface Recovery {
  readonly how: (typeof RECOVERIES)[number];
  /** Until when, and by what. */
  readonly sentences: readonly string[];
}

/** Something that holds data, and does so no longer, or for less long. */
export interface LossFinding extends Finding {
  readonly action: Action;
  readonly holds: string;
  readonly recovery: Recovery;
  /** What forces a replacement. */
  readonly forcedBy: readonly string[];
}

interface Holder {
  readonly holds: (change: Change, around: Around) => string;
  readonly recovery: (change: Change, around: Around) => Recovery;
  /** What keeps it from being deleted while there is something in it. */
  readonly guard?: (change: Change) => readonly string[];
}

/** What a thing is looked at with. */
interface Around {
  readonly scene: Scene;
  /** Those of the scene; of what others have deleted and the plan makes anew, with what was there as their `before`. */
  readonly changes: readonly Change[];
}

/** https://learn.microsoft.com/azure/storage/common/storage-account-recover */
const ACCOUNT_DAYS = 14;
/** https://learn.microsoft.com/azure/databricks/sql/language-manual/sql-ref-syntax-ddl-undrop-table */
const UNDROP_DAYS = 7;

const HOLDERS: Readonly<Record<string, Holder>> = {
  azurerm_resource_group: {
    holds: () => "everything in it, also what others have put there",
    recovery: () => ({ how: "never", sentences: ["Azure brings no resource group back."] }),
  },
  azurerm_storage_account: {
    holds: (change, around) => {
      const { scene } = around;
      const containers = containersOf(change, around);
      return `every file and table of ${scene.environment}${containers.length > 0 ? `, in ${listed(containers.map((each) => scene.nameOf(each)))}` : ""}`;
    },
    recovery: recoveryOfAccount,
  },
  azurerm_storage_container: { holds: holdsOfContainer, recovery: recoveryOfContainer },
  azurerm_databricks_workspace: {
    holds: () =>
      "what people made in it, runs and their logs, and files in its own storage; the tables and files of the lake are elsewhere",
    recovery: () => ({ how: "never", sentences: ["Databricks brings no workspace back."] }),
  },
  databricks_catalog: {
    holds: (change, around) => `every table in ${listed(schemasOf(change, around)) || "its schemas"}`,
    recovery: recoveryOfTables,
    guard: guardOfTables,
  },
  databricks_schema: { holds: () => "every table and view in it", recovery: recoveryOfTables, guard: guardOfTables },
  databricks_volume: {
    holds: ({ before }) =>
      before.volume_type === "MANAGED"
        ? "its files: what the job has under way"
        : `no files of its own: those are in ${code(text(before.storage_location) || "its storage location")}`,
    recovery: ({ before }) =>
      before.volume_type === "MANAGED"
        ? {
            how: "never",
            sentences: ["Databricks deletes the files of a managed volume, and no command brings them back."],
          }
        : {
            how: "nothing is lost",
            sentences: [
              "The files stay where they are. Nobody reaches them by the volume's path until it is there again.",
            ],
          },
  },
};

/** Whatever may be lost, what nothing brings back first. */
export function findLosses(scene: Scene): readonly LossFinding[] {
  const outcomes = new Map(scene.changes.map((change) => [change, outcomeOf(change, scene)]));
  const around = { scene, changes: [...outcomes.values()] };
  const found = [...outcomes].flatMap(([change, outcome]) => [
    ...(outcome === change ? lossOf(change, around) : lossByOthers(change, outcome, around)),
    ...shorterKept(change, scene),
  ]);
  const rank = ({ recovery }: LossFinding) => RECOVERIES.indexOf(recovery.how);
  return found.sort((one, other) => rank(one) - rank(other));
}

/** What others have deleted and a change makes anew comes to a replacement, which the plan does not show as one. */
function outcomeOf(change: Change, { plans }: Scene): Change {
  if (change.action !== "create") return change;
  const drift = plans.find(({ stack }) => stack === change.stack)?.drift ?? [];
  const deleted = drift.find(({ address, action }) => address === change.address && action === "destroy");
  return deleted ? { ...change, action: "replace", before: deleted.before } : change;
}

function lossOf(change: Change, around: Around): readonly LossFinding[] {
  const { scene } = around;
  const holder = HOLDERS[change.type];
  if (!holder || !["replace", "destroy", "forget"].includes(change.action)) return [];
  const recovery = change.action === "forget" ? recoveryOfForgotten(change) : holder.recovery(change, around);
  const guard = change.action === "forget" ? [] : (holder.guard?.(change) ?? []);
  const holds = holder.holds(change, around);
  scene.tell(change);
  return [
    {
      ...scene.about(change),
      action: change.action,
      holds,
      recovery,
      forcedBy: forcesOf(change, scene),
      headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} ${actionInWords(change.action)}. It holds ${holds}.`,
      details: [...whyOf(change, scene), ...guard, ...recovery.sentences],
      needsSecondLook: true,
    },
  ];
}

/**
 * Something that others have deleted, and this plan makes anew: what it held may come back, but hardly once its name is
 * taken again.
 */
function lossByOthers(made: Change, outcome: Change, around: Around): readonly LossFinding[] {
  const { scene } = around;
  const found = lossOf(outcome, around).filter(({ recovery }) => recovery.how !== "nothing is lost");
  if (found.length > 0) scene.tell(made);
  const how = `was deleted by somebody else, and is made anew${hasSameName(outcome) ? " under its name" : ""}`;
  return found.map((each) => ({
    ...each,
    action: made.action,
    headline: `The ${typeInWords(made.type)} ${scene.nameOf(outcome)} ${how}. It held ${each.holds}.`,
    details: each.recovery.sentences,
  }));
}

/** What forces a replacement, or else Terraform's reason for what it does, in a sentence; none where it gives none. */
export function whyOf(change: Change, scene: Scene): readonly string[] {
  const [forces, reason] = [forcesOf(change, scene), reasonInWords(change)];
  if (forces.length > 0) return [`Forced by ${forces.join("; ")}.`];
  return reason ? [`Since ${reason}.`] : [];
}

/** The attributes that force a replacement, before and after. */
export function forcesOf(change: Change, scene: Scene): readonly string[] {
  const differences = scene.differences(change);
  return change.replacePaths.map((path) => {
    const difference = differences.find((each) => isAt(path, each));
    return difference ? scene.showDifference(difference) : `${code(path)}, which is sensitive or nested deeper`;
  });
}

/** Whether a difference is one of those that force a replacement, and so told as its reason. */
export const isForcing = ({ replacePaths }: Change, difference: Difference): boolean =>
  replacePaths.some((path) => isAt(path, difference));

/**
 * What is another of a thing once it is replaced, beside the reason. Of what is known only later nothing is told: most of
 * it are ids, addresses and dates of what is new, which always are others, and what is dangerous of it is told apart.
 */
export const othersOf = (change: Change, differences: readonly Difference[]): readonly Difference[] =>
  change.action === "replace" ? differences.filter((each) => each.after !== LATER && !isForcing(change, each)) : [];

/** Terraform's path of an attribute has an index for each block, also for one that is there once. */
const isAt = (terraformPath: string, { path }: Difference) =>
  [terraformPath, terraformPath.replaceAll(/\[\d+\]/g, "")].includes(path);

function recoveryOfForgotten({ address, before }: Change): Recovery {
  const id = text(before.id);
  return {
    how: "nothing is lost",
    sentences: [
      "It stays with all that it holds, but nobody changes, protects or deletes it any more.",
      ...(id ? [`To take it back: ${code(`terraform import ${address} ${id}`)}`] : []),
    ],
  };
}

/** Whether what is made takes the name of what goes, or has gone. */
const hasSameName = ({ before, after }: Change) => text(after.name) !== "" && before.name === after.name;

function recoveryOfAccount(change: Change): Recovery {
  if (hasSameName(change)) {
    return {
      how: "never",
      sentences: ["The new account takes its name: Azure brings back no account whose name is taken again."],
    };
  }
  return {
    how: "perhaps",
    sentences: [
      `For ${ACCOUNT_DAYS} days Azure may bring it back, without a promise, while its resource group is there and nobody takes its name: in the portal, Storage accounts, Restore.`,
    ],
  };
}

function containersOf(account: Change, { changes }: Around): readonly Change[] {
  return changes.filter(
    ({ type, before }) => type === "azurerm_storage_container" && accountNameOf(before) === text(account.before.name),
  );
}

/** A container names its account by a resource id. */
const accountNameOf = (container: Block) => text(container.storage_account_id).split("/").at(-1) ?? "";

function holdsOfContainer({ before }: Change, { scene, changes }: Around): string {
  const name = text(before.name);
  const lies = (url: unknown) => text(url).startsWith(`abfss://${name}@${accountNameOf(before)}.`);
  const there = changes.filter(({ before: each }) => lies(each.storage_location) || lies(each.storage_root));
  const names = there.map((each) => `the ${typeInWords(each.type)} ${scene.nameOf(each)}`);
  return names.length > 0 ? `the files of ${listed(names)}` : "every file in it";
}

function recoveryOfContainer(change: Change, { changes }: Around): Recovery {
  const account = changes.find(
    ({ type, before }) => type === "azurerm_storage_account" && text(before.name) === accountNameOf(change.before),
  );
  if (account && ["replace", "destroy"].includes(account.action)) return recoveryOfAccount(account);
  const days = Number(blockOf(account?.before ?? {}, "blob_properties", "container_delete_retention_policy").days ?? 0);
  if (!(days > 0))
    return { how: "never", sentences: ["As far as the plan shows, its account keeps no deleted containers."] };
  const [accountName, name] = [accountNameOf(change.before), text(change.before.name)];
  return {
    how: "by command",
    sentences: [
      `For ${days} days it can be restored, under its own name: ${code(`az storage container restore --auth-mode login --account-name ${accountName} --name ${name} --deleted-version VERSION`)}`,
      `VERSION is told by ${code(`az storage container list --auth-mode login --account-name ${accountName} --include-deleted --prefix ${name}`)}`,
      ...(hasSameName(change) ? ["The new one has its name, and has to go first."] : []),
    ],
  };
}

function schemasOf({ before }: Change, { scene, changes }: Around): readonly string[] {
  return changes
    .filter(({ type, before: each }) => type === "databricks_schema" && each.catalog_name === before.name)
    .map((each) => scene.nameOf(each));
}

function guardOfTables({ before }: Change): readonly string[] {
  return before.force_destroy === true ? [] : ["Databricks refuses to delete it while there is something in it."];
}

function recoveryOfTables({ type, before }: Change, { changes }: Around): Recovery {
  const schema = type === "databricks_schema" ? text(before.id) || text(before.name) : `${text(before.name)}.SCHEMA`;
  const isArchiveLost = changes.some(
    (each) => each.type === "azurerm_storage_account" && ["replace", "destroy"].includes(each.action),
  );
  return {
    how: "perhaps",
    sentences: [
      `Databricks keeps dropped tables for ${UNDROP_DAYS} days, but brings them back only where their schema and catalog still are: ${code(`SHOW TABLES DROPPED IN ${schema}`)}, then ${code("UNDROP TABLE WITH ID '...'")}.`,
      ...(isArchiveLost
        ? []
        : [
            "The files that were loaded stay in the archive of the volume, as long as their container does: the replay job loads them again.",
          ]),
    ],
  };
}

const POLICY = "azurerm_storage_management_policy";
const STATE_KNEW_OF_NONE =
  "The state knew of none before. If that is because a first deployment ended before it made them, nothing is lost.";

/** What is kept for a while. */
interface Kept {
  readonly what: string;
  /** The fields that say for how long, and whatever they are in. */
  readonly fields: RegExp;
  /** Whether it is kept for as long as something says that no plan shows, where such a field goes. */
  readonly hasDefaultElsewhere?: boolean;
  readonly recovery: Recovery;
}

const KEPT: Readonly<Record<string, Kept>> = {
  azurerm_storage_account: {
    what: "deleted files and containers",
    fields: /^blob_properties(\.(container_)?delete_retention_policy(\.days)?)?$/,
    recovery: { how: "never", sentences: [] },
  },
  [POLICY]: {
    what: "archived files",
    fields: /^rule(\[[^\]]*\])?(\.(enabled|filters(\.prefix_match)?|actions(\.base_blob(\.delete_after_\w+)?)?))?$/,
    recovery: {
      how: "by command",
      sentences: [
        `Azure deletes the older ones within a day or two. While the account keeps deleted files: ${code("az storage fs list-deleted-path")}, then ${code("az storage fs undelete-path")}`,
      ],
    },
  },
  databricks_job: {
    what: "old versions of tables",
    fields: /^parameter(\[retention_days\](\.default)?)?$/,
    hasDefaultElsewhere: true,
    recovery: {
      how: "never",
      sentences: ["The next upkeep deletes what is older: no time travel goes back further."],
    },
  },
};

/** What is kept, but for less long than before, or nobody sees for how long. */
function shorterKept(change: Change, scene: Scene): readonly LossFinding[] {
  const kept = KEPT[change.type];
  if (!kept || !isOfWhatStays(change, scene)) return [];
  const unseen = unseenFields(change, kept, scene);
  const isUnseenOf = (path: string) => unseen.some((each) => path.startsWith(each.path));
  const before = change.action === "create" ? beforeElsewhere(change, scene) : change.before;
  const terms = shorterTerms(change.type, before, change.after, isUnseenOf);
  const shorter = terms.filter(({ path }) => !isUnseenOf(path));
  return [
    ...shorter.map((term) => shorterInWords(change, term, kept, scene)),
    ...unseen.map((difference) => unseenInWords(change, difference, kept, scene)),
  ];
}

/** Whether a change may shorten how long something is kept: of what goes itself, its loss is told. */
function isOfWhatStays(change: Change, scene: Scene): boolean {
  if (change.type === "azurerm_storage_account") return change.action === "update";
  if (change.type !== POLICY) return ["update", "replace"].includes(change.action);
  // A new one may be for files that are there already: somebody deleted it by hand, or it was no longer in the state.
  const isOfOtherFiles = (side: Block) =>
    ["create", "replace", "destroy"].includes(scene.thingOf(change, side, "storage_account_id")?.action ?? "none");
  return ["create", "update", "replace"].includes(change.action) && ![change.before, change.after].some(isOfOtherFiles);
}

/** Of a new policy, what was there before: an account has only one, which may be at another address until now. */
function beforeElsewhere({ type, after }: Change, scene: Scene): Block {
  const account = text(after.storage_account_id);
  const previous = scene.changes.find(
    (each) => each.type === type && each.action === "destroy" && text(each.before.storage_account_id) === account,
  );
  return account === "" ? {} : (previous?.before ?? {});
}

/** The fields that will be what the plan does not show. */
function unseenFields(change: Change, { fields, hasDefaultElsewhere }: Kept, scene: Scene): readonly Difference[] {
  const unknown = record(change.unknown);
  const isNewWithLater = (each: Difference) => each.before === undefined && hasLater(unknown[fieldOf(each)]);
  const isLeftToDefault = ({ after }: Difference) => hasDefaultElsewhere === true && isNothing(after);
  return scene
    .differences(change)
    .filter((each) => fields.test(each.path))
    .filter((each) => isUnseen(each) || isNewWithLater(each) || isLeftToDefault(each));
}

function shorterInWords(change: Change, term: Term, { recovery }: Kept, scene: Scene): LossFinding {
  const { what, since, starts, before, after } = term;
  scene.tell(change, [term.path, ...(term.alsoTold ?? [])]);
  const [previous, next] = [before, after].map((days) => `${counted(days, "day")}${since ? ` after ${since}` : ""}`);
  const part = starts.includes("") ? "" : pathsInWords(starts, scene);
  const holds = `${what}${part && ` ${part}`} for ${before === Infinity ? "ever" : previous}`;
  const those = `${part ? `those ${part}` : "all that there are"}, ${next}`;
  const how = {
    shorter: `kept ${holds}, and keeps them for ${counted(after, "day")} from now on`,
    first: `deleted no ${what} by their age; from now on it does${part ? `: ${those}` : `, ${next}`}`,
    more: `deletes more ${what} by their age from now on: ${those}`,
    "new clock": `deletes ${what} by a new clock from now on: ${those}`,
  }[term.how];
  const isNew = change.action === "create" && before === Infinity;
  return {
    ...scene.about(change),
    action: change.action,
    holds,
    recovery,
    forcedBy: [],
    headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} ${how}.`,
    details: [...(isNew ? [STATE_KNEW_OF_NONE] : []), ...recovery.sentences],
    needsSecondLook: true,
  };
}

const pathsInWords = (starts: readonly string[], scene: Scene) =>
  `whose path starts with ${listed(starts.map((each) => scene.show(each)))}`;

function unseenInWords(change: Change, difference: Difference, { what, recovery }: Kept, scene: Scene): LossFinding {
  scene.tell(change, [difference.path]);
  return {
    ...scene.about(change),
    action: change.action,
    holds: what,
    recovery,
    forcedBy: [],
    headline: `The plan does not show how long ${what} are kept by the ${typeInWords(change.type)} ${scene.nameOf(change)} from now on.`,
    details: [scene.showDifference(difference), ...recovery.sentences],
    needsSecondLook: true,
  };
}

/** Each by its own clock; what is the first to be too old by any of them is deleted. */
const DELETION_AGES = [
  ["delete_after_days_since_modification_greater_than", "their last change"],
  ["delete_after_days_since_creation_greater_than", "their creation"],
  ["delete_after_days_since_last_access_time_greater_than", "they were last read"],
] as const;

interface Term {
  readonly what: string;
  /** What it is counted from, where there are several such clocks. */
  readonly since?: string;
  /** The field that says for how long. */
  readonly path: string;
  /** Fields of which nothing is left to tell once it is told. */
  readonly alsoTold?: readonly string[];
  /** Of which files it is, by the starts of their paths. */
  readonly starts: readonly string[];
  /** Where files were kept for ever, whether no rule deleted any, none deleted these, or one did by another clock. */
  readonly how: "shorter" | "first" | "more" | "new clock";
  /** In days; infinite for what was kept for ever. */
  readonly before: number;
  readonly after: number;
}

const OF_ALL = { starts: [""], how: "shorter" } as const;

const days = (value: unknown): number | undefined =>
  value === undefined || value === null || Number.isNaN(Number(value)) ? undefined : Number(value);

function shorterTerms(
  type: string,
  before: Block,
  after: Block,
  isUnseenOf: (path: string) => boolean,
): readonly Term[] {
  const terms: (Omit<Term, "before" | "after"> & { before: unknown; after: unknown })[] = [];
  if (type === "azurerm_storage_account") {
    for (const [policy, what] of [
      ["delete_retention_policy", "deleted files"],
      ["container_delete_retention_policy", "deleted containers"],
    ] as const) {
      terms.push({
        what,
        ...OF_ALL,
        path: `blob_properties.${policy}.days`,
        before: blockOf(before, "blob_properties", policy).days,
        // Without the policy nothing is kept.
        after: blockOf(after, "blob_properties", policy).days ?? 0,
      });
    }
  }
  if (type === POLICY) {
    const rules = records(before.rule);
    terms.push(...termsOfRules(rules, asFarAsSeen(records(after.rule), rules, isUnseenOf)));
  }
  if (type === "databricks_job") {
    const retentionOf = (job: Block) =>
      list(job.parameter)
        .map(record)
        .find(({ name }) => name === "retention_days")?.default;
    terms.push({
      what: "old versions of tables",
      ...OF_ALL,
      path: "parameter[retention_days].default",
      before: retentionOf(before),
      after: retentionOf(after),
    });
  }
  return terms.flatMap((term) => {
    const [previous, next] = [days(term.before), days(term.after)];
    return previous !== undefined && next !== undefined && next < previous
      ? [{ ...term, before: previous, after: next }]
      : [];
  });
}

const pathOf = (rule: Block, field: string) => `rule[${text(rule.name)}].${field}`;

const sameNamed = (rule: Block, others: readonly Block[]) => others.find(({ name }) => name === rule.name);

/** Rules with what the plan does not show of them left as it was: only what is seen to change is compared. */
const asFarAsSeen = (
  rules: readonly Block[],
  before: readonly Block[],
  isUnseenOf: (path: string) => boolean,
): readonly Block[] =>
  rules.map((rule) => {
    const previous = sameNamed(rule, before);
    return {
      ...rule,
      ...(isUnseenOf(pathOf(rule, "enabled")) && { enabled: previous?.enabled }),
      ...(isUnseenOf(pathOf(rule, "filters.prefix_match")) && { filters: previous?.filters }),
    };
  });

/** Compares rules by the files that they are about, since a name says nothing of which those are. */
function termsOfRules(before: readonly Block[], after: readonly Block[]): readonly Term[] {
  const isAnyDeleted = before.some((rule) => DELETION_AGES.some(([field]) => ageIn(rule, field) < Infinity));
  return after.flatMap((rule) =>
    DELETION_AGES.flatMap(([field, since]) => {
      const ageOf = (prefix: string) => ageBefore(before, prefix, field);
      const howOf = (prefix: string) => {
        if (ageOf(prefix) < Infinity) return "shorter";
        if (!isAnyDeleted) return "first";
        const isDeleted = DELETION_AGES.some(([each]) => ageBefore(before, prefix, each) < Infinity);
        return isDeleted ? "new clock" : "more";
      };
      const within = prefixesWithin(rule, before).filter((each) => ageOf(each) < Infinity);
      const prefixes = [...new Set([...prefixesOf(rule), ...within])];
      const groups = new Map(prefixes.map((each) => [`${howOf(each)} ${ageOf(each)}`, each]));
      return [...groups.values()].map((one) => ({
        what: "archived files",
        since,
        path: pathOf(rule, `actions.base_blob.${field}`),
        alsoTold: toldByAge(rule, sameNamed(rule, before)),
        starts: prefixes.filter((each) => howOf(each) === howOf(one) && ageOf(each) === ageOf(one)),
        how: howOf(one),
        before: ageOf(one),
        after: ageIn(rule, field),
      }));
    }),
  );
}

/** The fields of a rule that say no more than at which age it deletes which files from now on. */
function toldByAge(rule: Block, previous: Block | undefined): readonly string[] {
  const isPrefixGone = !prefixesOf(previous ?? rule).every((prefix) => isOfAll(rule, prefix));
  return [
    ...(isPrefixGone ? [] : [pathOf(rule, "filters.prefix_match")]),
    // A rule that is new or switched on does all that it says, not only what is told of it.
    ...(onlyDeletes(rule) ? [`rule[${text(rule.name)}]`, pathOf(rule, "enabled")] : []),
  ];
}

function onlyDeletes(rule: Block): boolean {
  const others = [
    ...Object.entries(blockOf(rule, "actions")).filter(([field]) => field !== "base_blob"),
    ...Object.entries(blockOf(rule, "actions", "base_blob")).filter(([field]) => !field.startsWith("delete_after_")),
  ];
  return others.every(([, value]) => isNothing(value) || value === false || value === NEVER);
}

/** The provider's word for an age that is not set. */
const NEVER = -1;

function ageIn(rule: Block, field: string): number {
  const age = rule.enabled === false ? undefined : days(blockOf(rule, "actions", "base_blob")[field]);
  return age === undefined || age <= NEVER ? Infinity : age;
}

/** Of which files a rule is, by the start of their paths; without any it is of all, whatever their paths start with. */
function prefixesOf(rule: Block): readonly string[] {
  const prefixes = list(blockOf(rule, "filters").prefix_match).map(text);
  return prefixes.length > 0 ? prefixes : [""];
}

/** The prefixes of other rules that are of files that a rule is about as well. */
const prefixesWithin = (rule: Block, others: readonly Block[]) =>
  others.flatMap(prefixesOf).filter((each) => prefixesOf(rule).some((prefix) => each.startsWith(prefix)));

/** Whether a rule is of all files of a prefix. */
const isOfAll = (rule: Block, prefix: string) => prefixesOf(rule).some((each) => prefix.startsWith(each));

/** At which age all files of a prefix were deleted; what no rule deleted was kept for ever. */
function ageBefore(rules: readonly Block[], prefix: string, field: string): number {
  return Math.min(Infinity, ...rules.filter((rule) => isOfAll(rule, prefix)).map((rule) => ageIn(rule, field)));
}
