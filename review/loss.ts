/** What may be lost: whatever holds data and is replaced, deleted or forgotten, or will be kept for less long. */
import { list, record, text, type Action, type Block, type Change } from "./plan.ts";
import { blockOf, type Finding, type Scene } from "./scene.ts";
import { code, listed } from "./text.ts";
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
  const forcedBy = forcesOf(change, scene);
  const reason = reasonInWords(change);
  const holds = holder.holds(change, scene);
  scene.tell(change);
  return [
    {
      ...scene.about(change),
      action: change.action,
      holds,
      recovery,
      forcedBy,
      headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} ${actionInWords(change.action)}. It holds ${holds}.`,
      details: [
        ...(forcedBy.length > 0 ? [`Forced by ${forcedBy.join("; ")}.`] : reason ? [`Since ${reason}.`] : []),
        ...recovery.sentences,
      ],
      needsSecondLook: true,
    },
  ];
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

/** What is kept, but for less long than before. */
function shorterKept(change: Change, scene: Scene): readonly LossFinding[] {
  if (change.action !== "update") return [];
  return shorterTerms(change).map(({ what, path, recovery, before, after }): LossFinding => {
    scene.tell(change, path);
    const holds = `${what} for ${before === undefined ? "ever" : `${before} days`}`;
    return {
      ...scene.about(change),
      action: "update",
      holds,
      recovery,
      forcedBy: [],
      headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} kept ${holds}, and keeps them for ${after} days from now on.`,
      details: recovery.sentences,
      needsSecondLook: true,
    };
  });
}

interface Term {
  readonly what: string;
  readonly path: string;
  readonly before: number | undefined;
  readonly after: number;
  readonly recovery: Recovery;
}

function shorterTerms({ type, before, after }: Change): readonly Term[] {
  const days = (value: unknown) =>
    value === undefined || value === null || Number.isNaN(Number(value)) ? undefined : Number(value);
  const terms: { what: string; path: string; before: unknown; after: unknown; recovery: Recovery }[] = [];
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
        recovery: { how: "never", sentences: [] },
      });
    }
  }
  if (type === "azurerm_storage_management_policy") {
    const FIELD = "delete_after_days_since_modification_greater_than";
    const ageIn = (rule: Block | undefined) => {
      const age = rule?.enabled === false ? undefined : blockOf(rule ?? {}, "actions", "base_blob")[FIELD];
      return Number(age) < 0 ? undefined : age; // The provider's word for never is -1.
    };
    const prefixesIn = (rule: Block | undefined) => list(blockOf(rule ?? {}, "filters").prefix_match).map(text);
    for (const rule of list(after.rule).map(record)) {
      const old = list(before.rule)
        .map(record)
        .find(({ name }) => name === rule.name);
      // Of what no rule deleted before, all was kept for ever. Without a prefix, a rule is of everything.
      const [prefixes, oldPrefixes] = [prefixesIn(rule), prefixesIn(old)];
      const isCovered = (prefix: string) => oldPrefixes.some((each) => prefix.startsWith(each));
      const isWider = oldPrefixes.length > 0 && (prefixes.length === 0 || !prefixes.every(isCovered));
      terms.push({
        what: "archived files",
        path: `rule[${text(rule.name)}].${isWider ? "filters.prefix_match" : `actions.base_blob.${FIELD}`}`,
        before: isWider ? undefined : ageIn(old),
        after: ageIn(rule),
        recovery: {
          how: "by command",
          sentences: [
            `Azure deletes the older ones within a day or two. While the account keeps deleted files: ${code("az storage fs list-deleted-path")}, then ${code("az storage fs undelete-path")}`,
          ],
        },
      });
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
      recovery: {
        how: "never",
        sentences: ["The next upkeep deletes what is older: no time travel goes back further."],
      },
    });
  }
  return terms.flatMap((term) => {
    const [old, young] = [days(term.before), days(term.after)];
    const isShorter = young !== undefined && (old === undefined ? term.what === "archived files" : young < old);
    return isShorter ? [{ ...term, before: old, after: young }] : [];
  });
}
