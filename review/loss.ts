/** What may be lost: whatever holds data and is replaced, deleted or forgotten; with what will be kept for less long. */
import { text, type Action, type Block, type Change } from "./plan.ts";
import { forcesOf, othersOf, whyOf } from "./replacement.ts";
import { ageOfDeletion, shorterKept } from "./retention.ts";
import { blockOf, type Finding, type Scene } from "./scene.ts";
import { code, counted, listed } from "./text.ts";
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
  /** What {@link takerOf} has found, which is asked for every change at every location. */
  readonly takers: Map<Change, Change | undefined>;
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
    recovery: (_, around) => ({
      how: "never",
      sentences: ["Databricks brings no workspace back.", ...leftInWorkspace(around)],
    }),
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
  const around: Around = { scene, takers: new Map(), changes: scene.changes.map((change) => scene.outcomeOf(change)) };
  const found = scene.changes.flatMap((change) => [
    ...(scene.outcomeOf(change) === change ? lossOf(change, around) : lossByOthers(change, around)),
    ...shorterKept(change, scene),
  ]);
  const rank = ({ recovery }: LossFinding) => RECOVERIES.indexOf(recovery.how);
  return found.sort((one, other) => rank(one) - rank(other));
}

/** Whether azurerm deletes a group with more in it than Terraform knows of is set in `stacks/providers.ts`. */
const FULL_GROUP_MAY_STAY =
  "Only in a disposable environment Terraform deletes a group with something in it that it does not know: in others it " +
  "refuses, and this stays.";

const nameInWords = (change: Change, scene: Scene) => `the ${typeInWords(change.type)} ${scene.nameOf(change)}`;

/** Where the files of a catalog, a schema or a volume are. */
const filesOf = (change: Change, around: Around): unknown =>
  change.type === "databricks_volume"
    ? change.before.storage_location
    : /^databricks_(catalog|schema)$/.test(change.type)
      ? rootOfTables(change, around)
      : undefined;

function lossOf(change: Change, around: Around): readonly LossFinding[] {
  const { scene } = around;
  const holder = HOLDERS[change.type];
  if (!holder || !["replace", "destroy", "forget"].includes(change.action)) return [];
  const isForgotten = change.action === "forget";
  const taker = isForgotten ? takerOf(change, around) : undefined;
  const isLeft = isForgotten && !taker && goingAt(filesOf(change, around), around) === undefined;
  const recovery = isLeft ? recoveryOfForgotten(change, scene) : holder.recovery(change, around);
  const mayStay = taker?.type === "azurerm_resource_group";
  const how = taker
    ? `is forgotten, and ${mayStay ? "may go" : "goes"} with ${nameInWords(taker, scene)}`
    : actionInWords(change.action);
  const guard = isForgotten ? [] : (holder.guard?.(change) ?? []);
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
      headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} ${how}. It holds ${holds}.`,
      details: [
        ...whyOf(change, scene),
        ...guard,
        ...(mayStay ? [FULL_GROUP_MAY_STAY] : []),
        ...recovery.sentences,
        ...tablesWithoutFiles(change, around),
        ...others,
      ],
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
    details: [
      ...each.recovery.sentences,
      // While they can be brought back, nobody is to drop anything.
      ...(each.recovery.how === "never" ? tablesWithoutFiles(outcome, around) : []),
      ...others,
    ],
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
      ...(id ? [`To take it back: ${scene.showCommand(`terraform import ${address} ${id}`)}`] : []),
    ],
  };
}

/** Whether what is made takes the name of what goes, or has gone. */
const hasSameName = ({ before, after }: Change) => text(after.name) !== "" && before.name === after.name;

const isMade = ({ action }: Change) => action === "create" || action === "replace";

/** Whether what is made, be it at another address, takes the name of an account or a container that goes, or has gone. */
const isNameTaken = ({ type, before }: Change, { changes }: Around) =>
  changes.some(
    (each) =>
      each.type === type &&
      isMade(each) &&
      text(each.after.name) !== "" &&
      each.after.name === before.name &&
      accountNameOf(each.after) === accountNameOf(before),
  );

function recoveryOfAccount(change: Change, around: Around): Recovery {
  if (isNameTaken(change, around)) {
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

/** What Unity Catalog has, which goes with no workspace. */
const OF_UNITY_CATALOG = /^databricks_(catalog|schema|volume|file|external_location|storage_credential|grants?)$/;

/** Whether the plan of its stack leaves it where it is. */
const isStaying = ({ action }: Change) => ["none", "update"].includes(action);

/** What the plans of other stacks leave in a workspace that goes, or bound to it: they were made while it was there. */
function leftInWorkspace(around: Around): readonly string[] {
  const { changes } = around;
  const staying = changes.filter((each) => each.type.startsWith("databricks_") && isStaying(each));
  const left = staying.filter(({ type }) => !OF_UNITY_CATALOG.test(type));
  const bound = staying.filter(({ before }) => text(before.isolation_mode).endsWith("ISOLATED"));
  const isAnew = changes.some((each) => each.type === "azurerm_databricks_workspace" && isMade(each));
  const again = isAnew && bound.length === 0 ? " Plan and apply once more after this." : "";
  return [
    ...(left.length > 0
      ? [
          `What the stacks have in it goes as well, although their plans leave it there: ${counted(left.length, "thing")}.${again}`,
        ]
      : []),
    ...boundToWorkspace(bound, around),
  ];
}

/**
 * What becomes of what only the workspace that goes can use. The provider binds the workspace that it works in to such a
 * thing when it makes, changes or deletes that, but not when it reads it, which each plan and each destroy begin with.
 */
function boundToWorkspace(bound: readonly Change[], around: Around): readonly string[] {
  if (bound.length === 0) return [];
  const isDisposable = bound.every(isDroppedByTerraform);
  return [
    `Only this workspace can use ${listed(bound.map((each) => nameInWords(each, around.scene)))}: from any other one each plan of what is in Unity Catalog fails, and each destroy.`,
    `So first take down whatever sandboxes are in this one, then ${destroyOf(isDisposable ? "{catalog,pipeline}" : "pipeline", around)}, plan again and apply that.` +
      (isDisposable
        ? ""
        : " Somebody has to bind all of these to the next workspace by hand, as docs/environments.md says."),
  ];
}

/** Catalogs and schemas that stay while the files of their tables go: their plan was made while these were there. */
function tablesWithoutFiles(change: Change, around: Around): readonly string[] {
  const { scene, changes } = around;
  const rootOf = ({ before }: Change) => text(before.storage_root);
  const staying = changes.filter(
    (each) => rootOf(each) !== "" && isStaying(each) && goingAt(rootOf(each), around) === change,
  );
  if (staying.length === 0) return [];
  const what = `Unity Catalog goes on naming the tables of ${listed(staying.map((each) => nameInWords(each, scene)))}, which lose their files: each run fails from then on`;
  return [
    staying.every(isDroppedByTerraform)
      ? `${what}. So ${destroyOf("{catalog,pipeline}", around)} first, plan again and apply that.`
      : `${what}, until somebody drops these tables and the view ${code("orders_history")}: the next one makes them anew.`,
  ];
}

/** Whether Terraform deletes it with what is in it: of a catalog where data has to last it deletes nothing. */
const isDroppedByTerraform = ({ type, before }: Change) =>
  type !== "databricks_catalog" || before.force_destroy === true;

/** `cdktf` destroys no stack without those that depend on it. */
const destroyOf = (stacks: string, { scene }: Around) => {
  const names = `${scene.environment}-${stacks}`;
  return `run ${scene.showCommand(`npx cdktf destroy ${stacks.includes("{") ? `'${names}'` : names}`)}`;
};

function containersOf(account: Change, { changes }: Around): readonly Change[] {
  return changes.filter(
    ({ type, before }) => type === "azurerm_storage_container" && accountNameOf(before) === text(account.before.name),
  );
}

/** A container names its account by a resource id. */
const accountNameOf = (container: Block) => text(container.storage_account_id).split("/").at(-1) ?? "";

/** Whether it is deleted, be it only with what it is in. */
const isGoing = (change: Change, around: Around): boolean =>
  ["replace", "destroy"].includes(change.action) ||
  (change.action === "forget" && takerOf(change, around) !== undefined);

/** What a forgotten thing is in, where that goes with whatever is in it, also with what Terraform knows of no more. */
function takerOf(change: Change, around: Around): Change | undefined {
  if (!around.takers.has(change))
    around.takers.set(
      change,
      around.changes.find(
        (each) => isPartOf(change, each) && isGoing(each, around) && !HOLDERS[each.type]?.guard?.(each).length,
      ),
    );
  return around.takers.get(change);
}

/** Whether something is in a thing that holds data, as both say. */
function isPartOf({ type, before }: Change, { type: typeOfWhole, before: whole }: Change): boolean {
  const isOf = (name: unknown) => text(name) !== "" && name === whole.name;
  switch (`${typeOfWhole} ${type}`) {
    case "azurerm_resource_group azurerm_storage_account":
    case "azurerm_resource_group azurerm_databricks_workspace":
      return isOf(before.resource_group_name);
    case "azurerm_storage_account azurerm_storage_container":
      return isOf(accountNameOf(before));
    case "databricks_catalog databricks_schema":
    case "databricks_catalog databricks_volume":
      return isOf(before.catalog_name);
    case "databricks_schema databricks_volume":
      return isOf(before.schema_name) && before.catalog_name === whole.catalog_name;
    default:
      return false;
  }
}

const isIn = (location: unknown, { before }: Change) =>
  text(location).startsWith(`abfss://${text(before.name)}@${accountNameOf(before)}.`);

/** The container that a location is in, or else its account, where that goes with all that is there. */
function goingAt(location: unknown, around: Around): Change | undefined {
  const account = /^abfss:\/\/[^/@]+@([^./]+)\./.exec(text(location))?.[1];
  const going = around.changes.filter((each) => isGoing(each, around));
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
    going.type === "azurerm_storage_account" ? recoveryOfAccount(going, around) : recoveryOfContainer(going, around);
  const place = nameInWords(going, around.scene);
  return { how, sentences: [...elsewhere, `What becomes of the files is what becomes of ${place}.`, ...sentences] };
}

function holdsOfContainer(change: Change, { scene, changes }: Around): string {
  const there = changes.filter(
    ({ before }) => isIn(before.storage_location, change) || isIn(before.storage_root, change),
  );
  const names = there.map((each) => nameInWords(each, scene));
  return names.length > 0 ? `the files of ${listed(names)}` : "every file in it";
}

function recoveryOfContainer(change: Change, around: Around): Recovery {
  const { scene, changes } = around;
  const account = changes.find(
    ({ type, before }) => type === "azurerm_storage_account" && text(before.name) === accountNameOf(change.before),
  );
  if (account && isGoing(account, around)) return recoveryOfAccount(account, around);
  const days = Number(blockOf(account?.before ?? {}, "blob_properties", "container_delete_retention_policy").days ?? 0);
  if (!(days > 0))
    return { how: "never", sentences: ["As far as the plan shows, its account keeps no deleted containers."] };
  const [accountName, name] = [accountNameOf(change.before), text(change.before.name)];
  return {
    how: "by command",
    sentences: [
      `For ${days} days it can be restored, under its own name: ${scene.showCommand(`az storage container restore --auth-mode login --account-name ${accountName} --name ${name} --deleted-version VERSION`)}`,
      `VERSION is told by ${scene.showCommand(`az storage container list --auth-mode login --account-name ${accountName} --include-deleted --prefix ${name}`)}`,
      ...(isNameTaken(change, around) ? ["The new one has its name, and has to go first."] : []),
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
      (each.type === "azurerm_storage_account" && isGoing(each, around)) ||
      (each.before.volume_type === "EXTERNAL" && goingAt(each.before.storage_location, around) !== undefined),
  );
  const age = Math.min(Infinity, ...archivesIn(changes).map((each) => ageOfDeletion(each, changes)));
  const butOld = age < Infinity ? `, but for those older than ${counted(age, "day")}` : "";
  const replayed = isArchiveLost
    ? []
    : [
        `The files that were loaded stay in the archive of the volume, as long as their container does${butOld}: the replay job loads them again.`,
      ];
  const going = goingAt(rootOfTables(change, around), around);
  if (going !== undefined) {
    const place = nameInWords(going, scene);
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
      `Databricks keeps dropped tables for ${UNDROP_DAYS} days, but brings them back only where their schema and catalog still are: ${scene.showCommand(`SHOW TABLES DROPPED IN ${schema}`)}, then ${code("UNDROP TABLE WITH ID '...'")}.`,
      ...replayed,
    ],
  };
}

/** The starts of the paths of archived files, container first, as rules about their ages name them. */
const archivesIn = (changes: readonly Change[]): readonly string[] =>
  changes.flatMap(({ before }) => {
    const [, container, directory = ""] = /^abfss:\/\/([^/@]+)@[^/]+(.*)$/.exec(text(before.storage_location)) ?? [];
    if (before.volume_type !== "EXTERNAL" || container === undefined) return [];
    return [[container, ...directory.split("/").filter(Boolean), "archive", ""].join("/")];
  });

/** Where the files of a schema's or a catalog's tables are; a schema has them where its catalog has, unless it says where. */
function rootOfTables({ type, before }: Change, { changes }: Around): unknown {
  const catalog = changes.find(
    (each) => each.type === "databricks_catalog" && each.before.name === before.catalog_name,
  );
  return text(before.storage_root) || (type === "databricks_schema" ? catalog?.before.storage_root : undefined);
}
