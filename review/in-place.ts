/** Dangerous changes in place: nothing is deleted, and still something stops working, or opens. */
import type { Difference } from "./differences.ts";
import type { Change } from "./plan.ts";
import type { Finding, Scene } from "./scene.ts";
import { actionInWords, typeInWords } from "./words.ts";

interface Danger {
  readonly type: RegExp;
  readonly path: RegExp;
  readonly when?: (difference: Difference) => boolean;
  readonly consequence: string;
}

const becomes = (value: unknown) => (difference: Difference) => difference.after === value;

/** The first that fits tells of a difference. */
const DANGERS: readonly Danger[] = [
  {
    type: /^databricks_(job|alert)/,
    path: /pause_status$/,
    when: becomes("UNPAUSED"),
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
    type: /^azurerm_(subnet|network_security|nat_gateway|virtual_network|private_endpoint|private_dns)/,
    path: /./,
    when: ({ path }) => !/^(tags|timeouts)/.test(path),
    consequence: "Clusters may lose their way to the lake while this changes.",
  },
  {
    type: /^azurerm_/,
    path: /shared_access_key_enabled|local_user_enabled|allow_nested_items_to_be_public|cross_tenant_replication_enabled/,
    when: becomes(true),
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
    when: becomes(true),
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

/** Of these nothing is lost when they go, but data behind them cannot be reached. */
const WAYS_TO_DATA =
  /^databricks_(external_location|storage_credential)$|^azurerm_(databricks_access_connector|private_endpoint|user_assigned_identity)$/;

export function findDangersInPlace(scene: Scene): readonly Finding[] {
  return scene.changes.flatMap((change) => {
    if (change.action === "update") return dangersOf(change, scene);
    if (change.action === "unknown") return [unknownAction(change, scene)];
    const isWayLost = WAYS_TO_DATA.test(change.type) && ["replace", "destroy", "forget"].includes(change.action);
    if (!isWayLost && !isLeftHalfMade(change)) return [];
    scene.tell(change);
    return [
      {
        ...scene.about(change),
        headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} ${actionInWords(change.action)}.`,
        details: isWayLost
          ? ["It holds no data, but the way to data: nobody reaches what is behind it until it is there again."]
          : ["What an earlier deployment left behind of it goes."],
        needsSecondLook: isWayLost,
      },
    ];
  });
}

const isLeftHalfMade = ({ address, action }: Change) => address.includes(" (deposed ") && action === "destroy";

function dangersOf(change: Change, scene: Scene): readonly Finding[] {
  const byConsequence = new Map<string, Difference[]>();
  for (const difference of scene.differences(change)) {
    const danger = DANGERS.find(
      ({ type, path, when }) => type.test(change.type) && path.test(difference.path) && (when?.(difference) ?? true),
    );
    if (!danger || isAccessField(difference.path)) continue;
    scene.tell(change, difference.path);
    byConsequence.set(danger.consequence, [...(byConsequence.get(danger.consequence) ?? []), difference]);
  }
  return [...byConsequence].map(([consequence, differences]) => ({
    ...scene.about(change),
    headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} changes in place: ${consequence}`,
    details: differences.map((each) => scene.showDifference(each)),
    needsSecondLook: true,
  }));
}

const isAccessField = (path: string) => path.startsWith("owner") || path.startsWith("run_as");

function unknownAction(change: Change, scene: Scene): Finding {
  scene.tell(change);
  return {
    ...scene.about(change),
    headline: `The ${typeInWords(change.type)} ${scene.nameOf(change)} meets ${scene.show(change.actions.join(", "))}, an action that this review does not know.`,
    details: ["Look at it in Terraform's own words before you apply it."],
    needsSecondLook: true,
  };
}
