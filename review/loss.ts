/** What may be lost: whatever holds data and is replaced, deleted or forgotten; with what will be kept for less long. */
import { text, type Action, type Block, type Change } from "./plan.ts";
import { forcesOf, othersOf, whyOf } from "./replacement.ts";
import { shorterKept } from "./retention.ts";
import { blockOf, type Finding, type Scene } from "./scene.ts";
import { code, listed } from "./text.ts";
import { actionInWords, typeInWords } from "./words.ts";

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
    holds: ({ before }, { scene }) =>
      before.volume_type === "MANAGED"
        ? "its files: what the job has under way"
        : `no files of its own: those are in ${scene.show(text(before.storage_location) || "its storage location")}`,
    recovery: recoveryOfVolume,
  },
};

/** Whatever may be lost, what nothing brings back first. */
export function findLosses(scene: Scene): readonly LossFinding[] {
  const around = { scene, changes: scene.changes.map((change) => scene.outcomeOf(change)) };
  const found = scene.changes.flatMap((change) => [
    ...(scene.outcomeOf(change) === change ? lossOf(change, around) : lossByOthers(change, around)),
    ...shorterKept(change, scene),
  ]);
  const rank = ({ recovery }: LossFinding) => RECOVERIES.indexOf(recovery.how);
  return found.sort((one, other) => rank(one) - rank(other));
}

function lossOf(change: Change, around: Around): readonly LossFinding[] {
  const { scene } = around;
  const holder = HOLDERS[change.type];
  if (!holder || !["replace", "destroy", "forget"].includes(change.action)) return [];
  const recovery = change.action === "forget" ? recoveryOfForgotten(change, scene) : holder.recovery(change, around);
  const guard = change.action === "forget" ? [] : (holder.guard?.(change) ?? []);
  const holds = holder.holds(change, around);
  const others = othersInWords(change, scene);
  scene.tell(change);
  return [
    {
      ...scene.about(change),
      action: change.action,
      holds,
      recovery,
      forcedBy: forcesOf(change, scene),
      headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} ${actionInWords(change.action)}. It holds ${holds}.`,
      details: [...whyOf(change, scene), ...guard, ...recovery.sentences, ...others],
      needsSecondLook: true,
    },
  ];
}

/**
 * Something that others have deleted, and this plan makes anew: what it held may come back, but hardly once its name is
 * taken again.
 */
function lossByOthers(made: Change, around: Around): readonly LossFinding[] {
  const { scene } = around;
  const outcome = scene.outcomeOf(made);
  const others = othersInWords(outcome, scene);
  const found = lossOf(outcome, around).filter(({ recovery }) => recovery.how !== "nothing is lost");
  if (found.length > 0) scene.tell(made);
  const how = `was deleted by somebody else, and is made anew${hasSameName(outcome) ? " under its name" : ""}`;
  return found.map((each) => ({
    ...each,
    action: made.action,
    headline: `The ${typeInWords(made.type)} ${scene.nameOf(outcome)} ${how}. It held ${each.holds}.`,
    details: [...each.recovery.sentences, ...others],
  }));
}

/** What else is another of what is made anew, and not told elsewhere. */
const othersInWords = (change: Change, scene: Scene): readonly string[] =>
  othersOf(change, scene.untold(change) ?? scene.differences(change)).map((each) => scene.showDifference(each));

function recoveryOfForgotten({ address, before }: Change, scene: Scene): Recovery {
  const id = text(before.id);
  return {
    how: "nothing is lost",
    sentences: [
      "It stays with all that it holds, but nobody changes, protects or deletes it any more.",
      ...(id ? [`To take it back: ${scene.show(`terraform import ${address} ${id}`)}`] : []),
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

const isGoing = ({ action }: Change) => action === "replace" || action === "destroy";

const isIn = (location: unknown, { before }: Change) =>
  text(location).startsWith(`abfss://${text(before.name)}@${accountNameOf(before)}.`);

/** The container that a location is in, or else its account, where that goes with all that is there. */
function goingAt(location: unknown, { changes }: Around): Change | undefined {
  const account = /^abfss:\/\/[^/@]+@([^./]+)\./.exec(text(location))?.[1];
  const going = changes.filter(isGoing);
  return (
    going.find((each) => each.type === "azurerm_storage_container" && isIn(location, each)) ??
    going.find(({ type, before }) => type === "azurerm_storage_account" && text(before.name) === account)
  );
}

function recoveryOfVolume(change: Change, around: Around): Recovery {
  const { before, after } = change;
  if (before.volume_type === "MANAGED") {
    return {
      how: "never",
      sentences: ["Databricks deletes the files of a managed volume, and no command brings them back."],
    };
  }
  const isElsewhere =
    change.action === "replace" &&
    (before.volume_type !== after.volume_type || ![before.storage_location, ""].includes(text(after.storage_location)));
  const elsewhere = isElsewhere ? ["The volume's path shows another place from now on."] : [];
  const going = goingAt(before.storage_location, around);
  if (going === undefined) {
    const unreached = "Nobody reaches them by the volume's path until it is there again.";
    return {
      how: "nothing is lost",
      sentences: [["The files stay where they are.", ...(isElsewhere ? elsewhere : [unreached])].join(" ")],
    };
  }
  const { how, sentences } =
    going.type === "azurerm_storage_account" ? recoveryOfAccount(going) : recoveryOfContainer(going, around);
  const place = `the ${typeInWords(going.type)} ${around.scene.nameOf(going)}`;
  return { how, sentences: [...elsewhere, `What becomes of the files is what becomes of ${place}.`, ...sentences] };
}

function holdsOfContainer(change: Change, { scene, changes }: Around): string {
  const there = changes.filter(
    ({ before }) => isIn(before.storage_location, change) || isIn(before.storage_root, change),
  );
  const names = there.map((each) => `the ${typeInWords(each.type)} ${scene.nameOf(each)}`);
  return names.length > 0 ? `the files of ${listed(names)}` : "every file in it";
}

function recoveryOfContainer(change: Change, { scene, changes }: Around): Recovery {
  const account = changes.find(
    ({ type, before }) => type === "azurerm_storage_account" && text(before.name) === accountNameOf(change.before),
  );
  if (account && isGoing(account)) return recoveryOfAccount(account);
  const days = Number(blockOf(account?.before ?? {}, "blob_properties", "container_delete_retention_policy").days ?? 0);
  if (!(days > 0))
    return { how: "never", sentences: ["As far as the plan shows, its account keeps no deleted containers."] };
  const [accountName, name] = [accountNameOf(change.before), text(change.before.name)];
  return {
    how: "by command",
    sentences: [
      `For ${days} days it can be restored, under its own name: ${scene.show(`az storage container restore --auth-mode login --account-name ${accountName} --name ${name} --deleted-version VERSION`)}`,
      `VERSION is told by ${scene.show(`az storage container list --auth-mode login --account-name ${accountName} --include-deleted --prefix ${name}`)}`,
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

function recoveryOfTables(change: Change, around: Around): Recovery {
  const { scene, changes } = around;
  const { type, before } = change;
  const isArchiveLost = changes.some(
    (each) =>
      (each.type === "azurerm_storage_account" && isGoing(each)) ||
      (each.before.volume_type === "EXTERNAL" && goingAt(each.before.storage_location, around) !== undefined),
  );
  const replayed = isArchiveLost
    ? []
    : [
        "The files that were loaded stay in the archive of the volume, as long as their container does: the replay job loads them again.",
      ];
  const going = goingAt(rootOfTables(change, around), around);
  if (going !== undefined) {
    const place = `the ${typeInWords(going.type)} ${scene.nameOf(going)}`;
    return {
      how: isArchiveLost ? "never" : "perhaps",
      sentences: [
        `Its tables have their files in ${place}, without which Databricks brings none of them back.`,
        ...replayed,
      ],
    };
  }
  const schema = type === "databricks_schema" ? text(before.id) || text(before.name) : `${text(before.name)}.SCHEMA`;
  return {
    how: "perhaps",
    sentences: [
      `Databricks keeps dropped tables for ${UNDROP_DAYS} days, but brings them back only where their schema and catalog still are: ${scene.show(`SHOW TABLES DROPPED IN ${schema}`)}, then ${code("UNDROP TABLE WITH ID '...'")}.`,
      ...replayed,
    ],
  };
}

/** Where the files of a schema's or a catalog's tables are; a schema has them where its catalog has, unless it says where. */
function rootOfTables({ type, before }: Change, { changes }: Around): unknown {
  const catalog = changes.find(
    (each) => each.type === "databricks_catalog" && each.before.name === before.catalog_name,
  );
  return text(before.storage_root) || (type === "databricks_schema" ? catalog?.before.storage_root : undefined);
}
