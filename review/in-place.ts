/** Dangerous changes of what holds no data, and of data that stays: something stops working, opens, or starts. */
import { type Difference, isUnseen } from "./differences.ts";
import { whyOf } from "./loss.ts";
import { type Change, text } from "./plan.ts";
import type { Finding, Scene } from "./scene.ts";
import { code, counted } from "./text.ts";
import { actionInWords, typeInWords } from "./words.ts";

interface Danger {
  readonly type: RegExp;
  readonly path: RegExp;
  /** The only value that is dangerous, where not each is. */
  readonly becomes?: unknown;
  readonly consequence: string;
}

/** What clusters and Unity Catalog reach the lake by. */
const NETWORK = /^azurerm_(subnet|network_security|nat_gateway|public_ip|virtual_network|private_endpoint|private_dns)/;

/** The first that fits tells of a difference. */
const DANGERS: readonly Danger[] = [
  {
    type: /^databricks_(job|alert)/,
    path: /pause_status$/,
    becomes: "UNPAUSED",
    consequence: "It starts by itself from now on.",
  },
  {
    type: /^azurerm_storage_account$/,
    path: /^(public_network_access_enabled|network_rules)/,
    consequence:
      "This decides who can reach the lake: clients, clusters and Unity Catalog may no longer, or others may.",
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
    becomes: true,
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
    becomes: true,
    consequence: "A safeguard ends: what it kept from happening, happens without a question.",
  },
  { type: /./, path: /^prevent_destroy$/, consequence: "A safeguard changes." },
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

/** What holds no data, and is missed when it goes; the first that fits. */
const MISSED: readonly Pick<Danger, "type" | "consequence">[] = [
  {
    type: /^databricks_(external_location|storage_credential)$|^azurerm_(databricks_access_connector|private_endpoint|user_assigned_identity)$/,
    consequence: "A way to data goes: nobody reaches what is behind it until it is there again.",
  },
  { type: NETWORK, consequence: "Clusters may lose their way to the lake, and others may find one." },
  {
    type: /^azurerm_monitor_diagnostic_setting$/,
    consequence: "Nobody keeps who reads and writes what until it is there again.",
  },
  { type: /^azurerm_management_lock$/, consequence: "A safeguard ends: what it kept from being deleted can be." },
];

export function findDangersInPlace(scene: Scene): readonly Finding[] {
  const deletedAgain = findDeletedAgain(scene);
  return [...findingOf(deletedAgain, scene), ...dangersInPlace(scene, new Set(deletedAgain))];
}

/**
 * What an earlier deployment left behind at a path where this one leaves the same, as where people go back to the code
 * before a deployment that failed. Terraform deletes it last, by its path: what was just made goes with it.
 */
function findDeletedAgain(scene: Scene): readonly Change[] {
  const kept = new Set(
    scene.changes
      .filter(({ action }) => action !== "destroy" && action !== "forget")
      .map(({ type, after }) => `${type} ${text(after.path)}`),
  );
  return scene.changes.filter(
    (change) =>
      isLeftHalfMade(change) && text(change.before.path) && kept.has(`${change.type} ${text(change.before.path)}`),
  );
}

function findingOf(deletedAgain: readonly Change[], scene: Scene): readonly Finding[] {
  const [first] = deletedAgain;
  if (first === undefined) return [];
  for (const change of deletedAgain) scene.tell(change);
  const more = deletedAgain.length > 1 ? ` and ${deletedAgain.length - 1} more` : "";
  return [
    {
      ...scene.about(first),
      headline: `What an earlier deployment left is deleted from where this one puts it: ${scene.show(first.before.path)}${more}.`,
      details: ["Runs fail until the next deployment makes it again: plan and apply once more right after this one."],
      needsSecondLook: true,
    },
  ];
}

function dangersInPlace(scene: Scene, told: ReadonlySet<Change>): readonly Finding[] {
  const changes = scene.changes.filter((change) => !told.has(change));
  return [
    ...changes.flatMap((change) => {
      if (change.action === "update") return dangersOf(change, scene);
      return change.action === "unknown" ? [unknownAction(change, scene)] : [];
    }),
    ...goings(changes, scene),
  ];
}

/** What is missed when it goes, or was only left behind: one finding for each consequence of each action. */
function goings(changes: readonly Change[], scene: Scene): readonly Finding[] {
  const groups = new Map<string, { readonly going: Going; readonly changes: readonly [Change, ...Change[]] }>();
  for (const change of changes) {
    const going = goingOf(change);
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

function goingOf(change: Change): Going | undefined {
  if (!["replace", "destroy", "forget"].includes(change.action)) return undefined;
  const missed = MISSED.find(({ type }) => type.test(change.type));
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
  const withReason = (change: Change) => {
    const { source } = scene.about(change);
    const more = [...whyOf(change, scene), ...(source ? [`From ${code(source)}.`] : [])].join(" ");
    return [the(change), ...(more ? [more] : [])].join(": ");
  };
  const number = others.length + 1;
  const headline = `${number === 1 ? the(first) : counted(number, "thing")} ${actionInWords(first.action, number)}.`;
  return {
    ...(number === 1 ? scene.about(first) : { stack: first.stack, address: first.address }),
    // What is forgotten stays, and nobody misses it.
    headline: first.action === "forget" ? headline : `${headline} ${consequence}`,
    details: number === 1 ? whyOf(first, scene) : [first, ...others].map(withReason),
    needsSecondLook,
  };
}

const isLeftHalfMade = ({ address, action }: Change) => address.includes(" (deposed ") && action === "destroy";

function dangersOf(change: Change, scene: Scene): readonly Finding[] {
  const byConsequence = new Map<string, Difference[]>();
  for (const difference of scene.differences(change)) {
    // What a value will be that is not seen may be the dangerous one.
    const danger = DANGERS.find(
      ({ type, path, becomes }) =>
        type.test(change.type) &&
        path.test(difference.path) &&
        (becomes === undefined || difference.after === becomes || isUnseen(difference)),
    );
    if (!danger) continue;
    scene.tell(change, [difference.path]);
    const consequence = `${isUnseen(difference) ? "Perhaps: " : ""}${danger.consequence}`;
    byConsequence.set(consequence, [...(byConsequence.get(consequence) ?? []), difference]);
  }
  return [...byConsequence].map(([consequence, differences]) => ({
    ...scene.about(change),
    headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} changes in place. ${consequence}`,
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
