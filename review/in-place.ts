/** Dangerous changes, beside what they do to data: something stops working, opens, or starts. */
import { GRANTED_ON, PERMITTED_BY_ID, PERMITTED_BY_PATH } from "./access.ts";
import { isStarting } from "./costs.ts";
import { type Difference, isNothing, isOfWhatIsNew, isOtherVersion, isUnseen } from "./differences.ts";
import { type Action, type Block, type Change, list, records, text } from "./plan.ts";
import { STARTING, staying, withPrevious } from "./previous.ts";
import { isForcing, othersOf, whyOf } from "./replacement.ts";
import { archivesMore, isOfWhatStays } from "./retention.ts";
import { blockOf, type Finding, type Scene } from "./scene.ts";
import { code, counted, listed } from "./text.ts";
import { actionInWords, typeInWords } from "./words.ts";

interface Danger {
  readonly type: RegExp;
  readonly path: RegExp;
  /** Whether a difference is dangerous, where not each is. */
  readonly isDangerous?: (difference: Difference, change: Change) => boolean;
  readonly consequence: string;
}

/** Where only one value is dangerous: what is not seen may be that. */
const becomes = (value: unknown) => (difference: Difference) => difference.after === value || isUnseen(difference);

/** What clusters and Unity Catalog reach the lake by. */
const NETWORK = /^azurerm_(subnet|network_security|nat_gateway|public_ip|virtual_network|private_endpoint|private_dns)/;

/** Whom an alert tells. A destination that is new has no id yet, but an entry all the same. */
const subscriptionsOf = (alert: Block) => list(blockOf(alert, "evaluation", "notification").subscriptions);

const WHO_REACHES_THE_LAKE =
  "This decides who can reach the lake: clients, clusters and Unity Catalog may no longer, or others may.";

/** The first that fits tells of a difference. */
const DANGERS: readonly Danger[] = [
  {
    type: /^databricks_(job|alert)/,
    path: /pause_status$/,
    isDangerous: (difference, { before }) => becomes("UNPAUSED")(difference) && !isStarting(before),
    consequence: "It starts by itself from now on.",
  },
  {
    type: /^databricks_(job|alert)/,
    path: /^(trigger|schedule|continuous)(\.|$)/,
    isDangerous: (difference, { before, after }) =>
      (difference.path.endsWith("pause_status") || isNothing(difference.after) || isUnseen(difference)) &&
      isStarting(before) &&
      (!isStarting(after) || (difference.path.endsWith("pause_status") && isUnseen(difference))),
    consequence: "Nothing starts it by itself from now on: what it does is left undone until somebody starts it.",
  },
  {
    type: /^databricks_job$/,
    path: /^task(\[[^\]]*\])?(\.for_each_task\.task(\[[^\]]*\])?)?\.disabled$/,
    isDangerous: becomes(true),
    consequence: "Its runs leave out a task from now on, and the tasks that wait for it: what they do is left undone.",
  },
  {
    type: /^databricks_alert/,
    path: /^evaluation(\.notification(\.subscriptions\b.*)?)?$/,
    isDangerous: (_, { before, after }) => subscriptionsOf(before).length > 0 && subscriptionsOf(after).length === 0,
    consequence: "It tells nobody from now on: what it watches for goes unnoticed.",
  },
  {
    type: /^azurerm_storage_management_policy$/,
    path: /^rule\[[^\]]*\](\.(enabled|filters(\.prefix_match)?|actions(\.base_blob(\.tier_to_archive_after_\w+)?)?))?$/,
    isDangerous: (difference, { before, after }) =>
      (difference.path.includes("tier_to_archive") && isUnseen(difference)) ||
      archivesMore(difference.path, before, after),
    consequence:
      "Azure puts files where nobody can read them: a replay of those fails until somebody has rehydrated them, which takes hours.",
  },
  {
    type: /^azurerm_storage_account$/,
    path: /^(public_network_access_enabled|network_rules)/,
    consequence: WHO_REACHES_THE_LAKE,
  },
  {
    type: /^azurerm_storage_account_network_rules$/,
    path: /^(default_action|bypass|ip_rules|virtual_network_subnet_ids|private_link_access)/,
    consequence: WHO_REACHES_THE_LAKE,
  },
  {
    type: /^azurerm_databricks_workspace$/,
    path: /^(public_network_access_enabled|network_security_group_rules_required|custom_parameters)/,
    consequence: "This decides who can reach the workspace, and what its clusters can reach.",
  },
  {
    type: NETWORK,
    path: /^(?!tags|timeouts)/,
    consequence: "Clusters may lose their way to the lake while this changes.",
  },
  {
    type: /^azurerm_/,
    path: /shared_access_key_enabled|local_user_enabled|allow_nested_items_to_be_public|cross_tenant_replication_enabled/,
    isDangerous: becomes(true),
    consequence: "It can be reached in a way that leaves no trace of who it was.",
  },
  {
    type: /^azurerm_storage_container$/,
    path: /container_access_type/,
    consequence: "This decides whether the internet can read the container.",
  },
  {
    type: /^azurerm_/,
    path: /https_traffic_only_enabled|min_tls_version/,
    consequence: "This decides whether somebody on the way can listen.",
  },
  {
    type: /^azurerm_/,
    path: /customer_managed_key|key_vault_key_id|infrastructure_encryption/,
    consequence: "Without the key that encrypts them, no file can be read.",
  },
  {
    type: /^azurerm_storage_account$/,
    path: /account_replication_type/,
    consequence: "This decides in how many places the files are.",
  },
  {
    type: /./,
    path: /^(force_destroy|force_delete|delete_recursive|skip_validation|fallback|force_update)$/,
    isDangerous: becomes(true),
    consequence: "A safeguard ends: what it kept from happening, happens without a question.",
  },
  {
    type: /^azurerm_monitor_diagnostic_setting$/,
    path: /^enabled_log(\[[^\]]*\])?(\.category(_group)?)?$/,
    // What ceases to be named is logged all the same with all that there is.
    isDangerous: ({ before }, { after }) =>
      !isNothing(before) && !records(after.enabled_log).some((each) => each.category_group === "allLogs"),
    consequence: "What is no longer logged leaves no trace of who did it.",
  },
  {
    type: /^databricks_dashboard$/,
    path: /^embed_credentials$/,
    isDangerous: becomes(true),
    consequence: "Whoever may see it sees what its publisher may query, with no right of their own.",
  },
  {
    type: /^databricks_(external_location|storage_credential)$/,
    path: /^(url|credential_name|azure_managed_identity|read_only)/,
    consequence:
      "Tables and files behind it can be read only if the new place holds them, and the identity reaches it.",
  },
  {
    type: /^databricks_(catalog|external_location|storage_credential)$/,
    path: /^isolation_mode$/,
    consequence: "This decides which workspaces can use it.",
  },
  {
    type: /^databricks_(catalog|schema|volume)$/,
    path: /^(name|storage_root|storage_location)$/,
    consequence: "Whatever names it by its old name or place finds it no longer: queries, jobs, clients.",
  },
  {
    type: /./,
    path: /^(name|display_name|path)$/,
    consequence: "Whoever looks for it by its old name finds it no longer.",
  },
];

interface Missed extends Pick<Danger, "type" | "consequence"> {
  /** Whether it is missed, where not each is. */
  readonly isMissed?: (change: Change, scene: Scene) => boolean;
}

/** What holds no data, and is missed when it goes; the first that fits. */
const MISSED: readonly Missed[] = [
  {
    type: /^databricks_(external_location|storage_credential)$|^azurerm_(databricks_access_connector|private_endpoint|user_assigned_identity)$/,
    consequence: "A way to data goes: nobody reaches what is behind it until it is there again.",
  },
  { type: NETWORK, consequence: "Clusters may lose their way to the lake, and others may find one." },
  {
    type: /^azurerm_storage_account_network_rules$/,
    consequence: "Without it Azure refuses nobody by where they come from: the whole internet may reach the lake.",
  },
  {
    type: /^azurerm_monitor_diagnostic_setting$/,
    consequence: "Nobody keeps who reads and writes what until it is there again.",
  },
  { type: /^azurerm_management_lock$/, consequence: "A safeguard ends: what it kept from being deleted can be." },
  {
    type: STARTING,
    // What is made anew is compared with what it was; what is there already under its name is not.
    isMissed: (change, scene) => {
      if (!isStarting(change.before)) return false;
      const there = staying(change, scene);
      return there.action === "destroy" || (["none", "update"].includes(there.action) && !isStarting(there.after));
    },
    consequence: "What started by itself does so no longer: what it did is left undone.",
  },
];

export function findDangersInPlace(scene: Scene): readonly Finding[] {
  const deletedAgain = findDeletedAgain(scene);
  const left = deletedAgain.filter(isLeftHalfMade);
  const renamed = deletedAgain.filter((each) => !isLeftHalfMade(each));
  return [
    ...findingOf(left, "What an earlier deployment left is deleted from where this one puts it", scene),
    ...findingOf(renamed, "What has another address from now on is deleted from where it is put anew", scene),
    ...dangersInPlace(scene, new Set(deletedAgain)),
  ];
}

/** Fields that name a principal, of which Databricks takes the name in any case. */
const PRINCIPALS = ["group_name", "service_principal_name", "user_name"];

/** Fields that say where a thing is, or what it is about, where there is only one of its type; of others, their path. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  databricks_grants: GRANTED_ON,
  databricks_permissions: [...PERMITTED_BY_ID, ...PERMITTED_BY_PATH],
  // Not by its principal's id, which nobody can read, and which is not known of what is new.
  databricks_permission_assignment: PRINCIPALS,
  azurerm_storage_management_policy: ["storage_account_id"],
};

/**
 * What is deleted at a place where this plan leaves the same: it was left behind there, as where people go back to the
 * code before a deployment that failed, or has another address now. Terraform may delete it last, by its place: what was
 * just made goes with it.
 */
function findDeletedAgain(scene: Scene): readonly Change[] {
  const isLeavingState = ({ action }: Change) => action === "destroy" || action === "forget";
  const kept = new Set(
    scene.changes.filter((each) => !isLeavingState(each)).map(({ type, after }) => placeOf(type, after)),
  );
  return scene.changes.filter(({ type, action, before }) => {
    const place = placeOf(type, before);
    return action === "destroy" && place !== undefined && kept.has(place);
  });
}

/** Where a side of a change is, which tells it from all others of its type; nothing where it is not known. */
function placeOf(type: string, side: Block): string | undefined {
  const valueOf = (field: string) => (PRINCIPALS.includes(field) ? text(side[field]).toLowerCase() : text(side[field]));
  const values = (PLACES[type] ?? ["path"]).map(valueOf);
  return values.some(Boolean) ? JSON.stringify([type, ...values]) : undefined;
}

function findingOf(deletedAgain: readonly Change[], headline: string, scene: Scene): readonly Finding[] {
  const [first] = deletedAgain;
  if (first === undefined) return [];
  for (const change of deletedAgain) scene.tell(change);
  const placeInWords = ({ type, before }: Change) => {
    const [place] = (PLACES[type] ?? ["path"]).map((field) => text(before[field])).filter(Boolean);
    return `the ${typeInWords(type)} ${PLACES[type] ? "of" : "at"} ${scene.show(place)}`;
  };
  return [
    {
      ...scene.about(first),
      headline: `${headline}: ${listed(deletedAgain.map(placeInWords))}.`,
      details: [
        "It may be gone until the next deployment makes it again: plan and apply once more right after this one.",
      ],
      needsSecondLook: true,
    },
  ];
}

function dangersInPlace(scene: Scene, told: ReadonlySet<Change>): readonly Finding[] {
  const changes = scene.changes.filter((change) => !told.has(change));
  return [
    ...changes.flatMap((change) => {
      const outcome = withPrevious(change, scene);
      const isForWhatStays = outcome.action === "create" && isOfWhatStays(outcome, scene);
      const isAnew = outcome.action === "replace" && goingOf(change, scene) === undefined;
      if (outcome.action === "update" || isAnew || isForWhatStays) return dangersOf(outcome, scene);
      return change.action === "unknown" ? [unknownAction(change, scene)] : [];
    }),
    ...goings(changes, scene),
  ];
}

/** What is missed when it goes, or was only left behind: one finding for each consequence of each action. */
function goings(changes: readonly Change[], scene: Scene): readonly Finding[] {
  const groups = new Map<string, { readonly going: Going; readonly changes: readonly [Change, ...Change[]] }>();
  for (const change of changes) {
    const going = goingOf(change, scene);
    if (going === undefined) continue;
    scene.tell(change);
    const key = `${change.action} ${going.consequence}`;
    const known = groups.get(key);
    groups.set(key, { going, changes: known ? [...known.changes, change] : [change] });
  }
  return [...groups.values()].map((group) => goingInWords(group.going, group.changes, scene));
}

interface Going {
  readonly consequence: string;
  readonly needsSecondLook: boolean;
}

function goingOf(change: Change, scene: Scene): Going | undefined {
  if (!["replace", "destroy", "forget"].includes(change.action)) return undefined;
  const missed = MISSED.find(
    ({ type, isMissed }) => type.test(change.type) && (isMissed === undefined || isMissed(change, scene)),
  );
  if (missed) return { consequence: missed.consequence, needsSecondLook: true };
  return isLeftHalfMade(change)
    ? { consequence: "An earlier deployment has left that behind.", needsSecondLook: false }
    : undefined;
}

function goingInWords(
  { consequence, needsSecondLook }: Going,
  [first, ...others]: readonly [Change, ...Change[]],
  scene: Scene,
): Finding {
  const the = (change: Change) => `The ${typeInWords(change.type)} ${scene.nameOf(change)}`;
  const otherwise = (change: Change) =>
    othersOf(change, scene.differences(change)).map((each) => scene.showDifference(each));
  const withReason = (change: Change) => {
    const { source } = scene.about(change);
    const others = otherwise(change);
    const more = [
      ...whyOf(change, scene),
      ...(others.length > 0 ? [`${others.join("; ")}.`] : []),
      ...(source ? [`From ${code(source)}.`] : []),
    ].join(" ");
    return [the(change), ...(more ? [more] : [])].join(": ");
  };
  const number = others.length + 1;
  const headline = `${number === 1 ? the(first) : counted(number, "thing")} ${actionInWords(first.action, number)}.`;
  return {
    ...(number === 1 ? scene.about(first) : { stack: first.stack, address: first.address }),
    // What is forgotten stays, and nobody misses it.
    headline: first.action === "forget" ? headline : `${headline} ${consequence}`,
    details: number === 1 ? [...whyOf(first, scene), ...otherwise(first)] : [first, ...others].map(withReason),
    needsSecondLook,
  };
}

const isLeftHalfMade = ({ address, action }: Change) => address.includes(" (deposed ") && action === "destroy";

/** What is said of what is not changed in place. */
const HOW_MADE: Partial<Record<Action, string>> = { create: "is made", replace: "is not made anew as it was" };

function dangersOf(change: Change, scene: Scene): readonly Finding[] {
  const byConsequence = new Map<string, Difference[]>();
  const all = scene.differences(change);
  // Of what is missed when it goes almost each field is dangerous, and most are known only later of what is new.
  for (const difference of goingOf(change, scene) ? othersOf(change, all) : all) {
    if (isForcing(change, difference) || isOtherVersion(difference)) continue;
    if (change.action === "replace" && isOfWhatIsNew(difference, change)) continue;
    const danger = DANGERS.find(
      ({ type, path, isDangerous }) =>
        type.test(change.type) &&
        path.test(difference.path) &&
        (isDangerous === undefined || isDangerous(difference, change)),
    );
    if (!danger) continue;
    scene.tell(change, [difference.path]);
    const consequence = `${isUnseen(difference) ? "Perhaps: " : ""}${danger.consequence}`;
    byConsequence.set(consequence, [...(byConsequence.get(consequence) ?? []), difference]);
  }
  return [...byConsequence].map(([consequence, differences]) => ({
    ...scene.about(change),
    headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} ${HOW_MADE[change.action] ?? "changes in place"}. ${consequence}`,
    details: differences.map((each) => scene.showDifference(each)),
    needsSecondLook: true,
  }));
}

function unknownAction(change: Change, scene: Scene): Finding {
  scene.tell(change);
  return {
    ...scene.about(change),
    headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} meets ${scene.show(change.actions.join(", "))}, an action that this review does not know.`,
    details: ["Look at it in Terraform's own words before you apply it."],
    needsSecondLook: true,
  };
}
