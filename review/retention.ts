/** What will be kept for less long than before: deleted files and containers, archived files, old versions of tables. */
import { type Difference, fieldOf, hasLater, isNothing, isUnseen } from "./differences.ts";
import type { LossFinding, Recovery } from "./loss.ts";
import { type Block, type Change, list, record, records, text } from "./plan.ts";
import { POLICY, withPrevious } from "./previous.ts";
import { blockOf, type Scene } from "./scene.ts";
import { code, counted, listed } from "./text.ts";
import { typeInWords } from "./words.ts";

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
      sentences: [
        "The next upkeep deletes what is older: no time travel goes back further.",
        "Of older rows that say the same it keeps one: files that are older cannot be withdrawn any more, also once the number of days is higher again.",
      ],
    },
  },
};

/** What is kept, but for less long than before, or nobody sees for how long. */
export function shorterKept(change: Change, scene: Scene): readonly LossFinding[] {
  const kept = KEPT[change.type];
  const outcome = withPrevious(change, scene);
  if (!kept || !isOfWhatStays(outcome, scene)) return [];
  const unseen = unseenFields(outcome, kept, scene);
  const isUnseenOf = (path: string) => unseen.some((each) => path.startsWith(each.path));
  const terms = shorterTerms(change.type, outcome.before, outcome.after, isUnseenOf);
  const shorter = terms.filter(({ path }) => !isUnseenOf(path));
  return [
    ...shorter.map((term) => shorterInWords(change, term, kept, scene)),
    ...unseen.map((difference) => unseenInWords(change, difference, kept, scene)),
  ];
}

/** Whether a change decides what becomes of files and tables that stay: of what goes itself, its loss is told. */
export function isOfWhatStays(change: Change, scene: Scene): boolean {
  if (change.type === "azurerm_storage_account") return change.action === "update";
  if (change.type !== POLICY) return ["update", "replace"].includes(change.action);
  // A new one may be for files that are there already: somebody deleted it by hand, or it was no longer in the state.
  const isOfOtherFiles = (side: Block) =>
    ["create", "replace", "destroy"].includes(scene.thingOf(change, side, "storage_account_id")?.action ?? "none");
  return ["create", "update", "replace"].includes(change.action) && ![change.before, change.after].some(isOfOtherFiles);
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
  const isNew = isNothing(withPrevious(change, scene).before);
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

/**
 * From which age on a file is deleted whose path starts like this, or some of such files are, before the changes or after
 * them; infinite where none is.
 */
export function ageOfDeletion(start: string, changes: readonly Change[]): number {
  const rules = changes
    .filter(({ type }) => type === POLICY)
    .flatMap(({ before, after }) => [...records(before.rule), ...records(after.rule)])
    .filter((rule) => prefixesOf(rule).some((each) => each.startsWith(start) || start.startsWith(each)));
  return Math.min(Infinity, ...rules.flatMap((rule) => DELETION_AGES.map(([field]) => ageIn(rule, field))));
}

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

/** From which age on a rule did what a field says to all files of a prefix; infinite where none did. */
function ageBefore(rules: readonly Block[], prefix: string, field: string): number {
  return Math.min(Infinity, ...rules.filter((rule) => isOfAll(rule, prefix)).map((rule) => ageIn(rule, field)));
}

/** Each by its own clock; what is the first to be too old by any of them is moved to where nobody can read it. */
const ARCHIVING_AGES = ["modification", "creation", "last_access_time"].map(
  (since) => `tier_to_archive_after_days_since_${since}_greater_than`,
);

/**
 * Whether the rule that a difference is of puts files into Azure's archive tier that were not put there before, or not so
 * soon.
 */
export function archivesMore(path: string, before: Block, after: Block): boolean {
  const rules = records(before.rule);
  return records(after.rule)
    .filter((rule) => `${path}.`.startsWith(pathOf(rule, "")))
    .some((rule) =>
      ARCHIVING_AGES.some((field) =>
        prefixesOf(rule).some((prefix) => ageIn(rule, field) < ageBefore(rules, prefix, field)),
      ),
    );
}
