/** What may be lost: whatever holds data and is replaced, deleted or forgotten, or will be kept for less long. */
import { type Difference, fieldOf, hasLater, isUnseen } from "./differences.ts";
import { list, record, text, type Action, type Block, type Change } from "./plan.ts";
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
  readonly holds: (change: Change, scene: Scene) => string;
  readonly recovery: (change: Change, scene: Scene) => Recovery;
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
    holds: (change, scene) => {
      const containers = containersOf(change, scene);
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
    holds: (change, scene) => `every table in ${listed(schemasOf(change, scene)) || "its schemas"}`,
    recovery: recoveryOfTables,
  },
  databricks_schema: { holds: () => "every table and view in it", recovery: recoveryOfTables },
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

/** Types of which a review knows what they hold. */
export const HOLDING_TYPES: readonly string[] = Object.keys(HOLDERS);

/** Whatever may be lost, what nothing brings back first. */
export function findLosses(scene: Scene): readonly LossFinding[] {
  const found = scene.changes.flatMap((change) => [...lossOf(change, scene), ...shorterKept(change, scene)]);
  const rank = ({ recovery }: LossFinding) => RECOVERIES.indexOf(recovery.how);
  return found.sort((one, other) => rank(one) - rank(other));
}

function lossOf(change: Change, scene: Scene): readonly LossFinding[] {
  const holder = HOLDERS[change.type];
  if (!holder || !["replace", "destroy", "forget"].includes(change.action)) return [];
  const recovery = change.action === "forget" ? recoveryOfForgotten(change) : holder.recovery(change, scene);
  const holds = holder.holds(change, scene);
  scene.tell(change);
  return [
    {
      ...scene.about(change),
      action: change.action,
      holds,
      recovery,
      forcedBy: forcesOf(change, scene),
      headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} ${actionInWords(change.action)}. It holds ${holds}.`,
      details: [...whyOf(change, scene), ...recovery.sentences],
      needsSecondLook: true,
    },
  ];
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
    const plain = path.replaceAll(/\[\d+\]/g, "");
    const difference = differences.find((each) => [path, plain].includes(each.path));
    return difference ? scene.showDifference(difference) : `${code(path)}, which is sensitive or nested deeper`;
  });
}

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

const sameName = (change: Change) => change.action === "replace" && change.before.name === change.after.name;

function recoveryOfAccount(change: Change): Recovery {
  if (sameName(change)) {
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

function containersOf(account: Change, scene: Scene): readonly Change[] {
  return scene.changes.filter(
    ({ type, before }) => type === "azurerm_storage_container" && accountNameOf(before) === text(account.before.name),
  );
}

/** A container names its account by a resource id. */
const accountNameOf = (container: Block) => text(container.storage_account_id).split("/").at(-1) ?? "";

function holdsOfContainer({ before }: Change, scene: Scene): string {
  const name = text(before.name);
  const lies = (url: unknown) => text(url).startsWith(`abfss://${name}@${accountNameOf(before)}.`);
  const there = scene.changes.filter(({ before: each }) => lies(each.storage_location) || lies(each.storage_root));
  const names = there.map((each) => `the ${typeInWords(each.type)} ${scene.nameOf(each)}`);
  return names.length > 0 ? `the files of ${listed(names)}` : "every file in it";
}

function recoveryOfContainer(change: Change, scene: Scene): Recovery {
  const account = scene.changes.find(
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
      ...(sameName(change) ? ["The new one has its name, and has to go first."] : []),
    ],
  };
}

function schemasOf({ before }: Change, scene: Scene): readonly string[] {
  return scene.changes
    .filter(({ type, before: each }) => type === "databricks_schema" && each.catalog_name === before.name)
    .map((each) => scene.nameOf(each));
}

function recoveryOfTables({ type, before }: Change, scene: Scene): Recovery {
  const schema = type === "databricks_schema" ? text(before.id) || text(before.name) : `${text(before.name)}.SCHEMA`;
  const isArchiveLost = scene.changes.some(
    (each) => each.type === "azurerm_storage_account" && ["replace", "destroy"].includes(each.action),
  );
  return {
    how: "perhaps",
    sentences: [
      ...(before.force_destroy === true ? [] : ["Databricks refuses to delete it while there is something in it."]),
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
  const isSeen = ({ path }: Term) => !unseen.some((each) => path.startsWith(each.path));
  const before = change.action === "create" ? beforeElsewhere(change, scene) : change.before;
  const shorter = shorterTerms(change.type, before, change.after).filter(isSeen);
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
  const old = scene.changes.find(
    (each) => each.type === type && each.action === "destroy" && text(each.before.storage_account_id) === account,
  );
  return account === "" ? {} : (old?.before ?? {});
}

/** The fields that will be what the plan does not show. */
function unseenFields(change: Change, { fields }: Kept, scene: Scene): readonly Difference[] {
  const unknown = record(change.unknown);
  const isNewWithLater = (each: Difference) => each.before === undefined && hasLater(unknown[fieldOf(each)]);
  return scene.differences(change).filter((each) => fields.test(each.path) && (isUnseen(each) || isNewWithLater(each)));
}

function shorterInWords(change: Change, term: Term, { recovery }: Kept, scene: Scene): LossFinding {
  const { what, since, path, before, after } = term;
  scene.tell(change, [path]);
  const [old, young] = [before, after].map((days) => `${counted(days, "day")}${since ? ` after ${since}` : ""}`);
  const holds = `${what} for ${before === Infinity ? "ever" : old}`;
  const how =
    before === Infinity
      ? `deleted no ${what} by their age; from now on it does, ${young}`
      : `kept ${holds}, and keeps them for ${counted(after, "day")} from now on`;
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
  readonly path: string;
  /** In days; infinite for what was kept for ever. */
  readonly before: number;
  readonly after: number;
}

function shorterTerms(type: string, before: Block, after: Block): readonly Term[] {
  const days = (value: unknown) =>
    value === undefined || value === null || Number.isNaN(Number(value)) ? undefined : Number(value);
  const terms: (Omit<Term, "before" | "after"> & { before: unknown; after: unknown })[] = [];
  if (type === "azurerm_storage_account") {
    for (const [policy, what] of [
      ["delete_retention_policy", "deleted files"],
      ["container_delete_retention_policy", "deleted containers"],
    ] as const) {
      terms.push({
        what,
        path: `blob_properties.${policy}.days`,
        before: blockOf(before, "blob_properties", policy).days,
        // Without the policy nothing is kept.
        after: blockOf(after, "blob_properties", policy).days ?? 0,
      });
    }
  }
  if (type === POLICY) {
    const ageIn = (rule: Block | undefined, field: string) => {
      const age = days(rule?.enabled === false ? undefined : blockOf(rule ?? {}, "actions", "base_blob")[field]);
      return age === undefined || age < 0 ? Infinity : age; // The provider's word for never is -1.
    };
    const prefixesIn = (rule: Block | undefined) => list(blockOf(rule ?? {}, "filters").prefix_match).map(text);
    for (const rule of list(after.rule).map(record)) {
      const old = list(before.rule)
        .map(record)
        .find(({ name }) => name === rule.name);
      // What no rule deleted before was kept for ever. Without a prefix, a rule is of everything.
      const [prefixes, oldPrefixes] = [prefixesIn(rule), prefixesIn(old)];
      const isCovered = (prefix: string) => oldPrefixes.some((each) => prefix.startsWith(each));
      const isWider = oldPrefixes.length > 0 && (prefixes.length === 0 || !prefixes.every(isCovered));
      for (const [field, since] of DELETION_AGES) {
        terms.push({
          what: "archived files",
          since,
          path: `rule[${text(rule.name)}].${isWider ? "filters.prefix_match" : `actions.base_blob.${field}`}`,
          before: isWider ? Infinity : ageIn(old, field),
          after: ageIn(rule, field),
        });
      }
    }
  }
  if (type === "databricks_job") {
    const ageIn = (job: Block) =>
      list(job.parameter)
        .map(record)
        .find(({ name }) => name === "retention_days")?.default;
    terms.push({
      what: "old versions of tables",
      path: "parameter[retention_days].default",
      before: ageIn(before),
      after: ageIn(after),
    });
  }
  return terms.flatMap((term) => {
    const [old, young] = [days(term.before), days(term.after)];
    return old !== undefined && young !== undefined && young < old ? [{ ...term, before: old, after: young }] : [];
  });
}
