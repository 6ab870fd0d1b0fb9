/** Everything that no finding tells, folded into groups: each with the reason why it is, and how much of it there is. */
import type { Difference } from "./differences.ts";
import { LATER } from "./differences.ts";
import type { Change, Plan } from "./plan.ts";
import { forcesOf, othersOf } from "./replacement.ts";
import { hasOtherContent } from "./running.ts";
import type { Scene } from "./scene.ts";
import { counted, listed } from "./text.ts";
import { reasonInWords, typeInWords } from "./words.ts";

/** Changes of one kind, and why they are folded. */
export interface Group {
  readonly title: string;
  readonly reason: string;
  readonly items: readonly Item[];
}

export interface Item {
  /** Its type in words. */
  readonly kind: string;
  readonly stack: string;
  readonly address: string;
  readonly text: string;
}

/** The groups in the order in which they are shown. */
const GROUPS = {
  changed: { title: "Changed otherwise", reason: "no rule says that it is dangerous" },
  replaced: { title: "Deleted and created anew", reason: "holds no data" },
  deleted: { title: "Deleted", reason: "holds no data" },
  forgotten: { title: "Forgotten", reason: "holds no data; stays, but Terraform knows of it no more" },
  new: { title: "New", reason: "was not there before" },
  moved: { title: "Moved", reason: "the same thing under another address" },
  imported: { title: "Imported", reason: "was there already, and is Terraform's from now on" },
  version: {
    title: "Code of another version",
    reason: "each version has a folder of its own; what differs in it is told above",
  },
  tags: { title: "Only tags", reason: "tags change nothing that runs" },
  later: { title: "Only what is known after it is applied", reason: "follows from what is told above" },
  nothing: { title: "Nothing that can be seen", reason: "Terraform changes it without a difference" },
  read: { title: "Read", reason: "nothing is changed" },
  none: { title: "As it is", reason: "nothing changes" },
} as const;

type GroupName = keyof typeof GROUPS;

const CODE = /^databricks_(notebook|workspace_file|directory)$/;
const COMPUTED = /^(id|url|etag|md5|object_id|.*_time|.*_at|updated_.*|size|modified_.*|workspace_path)(\.|$)/;

export function groupRest(scene: Scene): readonly Group[] {
  const items = new Map<GroupName, Item[]>();
  const put = (name: GroupName, change: Change, text: string) => {
    items.set(name, [...(items.get(name) ?? []), itemOf(change, text)]);
  };
  for (const change of scene.changes) {
    if (change.previousAddress !== undefined && change.previousAddress !== change.address) {
      put("moved", change, `${scene.show(change.previousAddress)} → ${scene.show(change.address)}`);
    }
    if (change.isImported) put("imported", change, `the ${typeInWords(change.type)} ${scene.nameOf(change)}`);
    const untold = scene.untold(change);
    if (untold === undefined || untold.length > 0) putOf(change, untold, scene, put);
  }
  return (Object.keys(GROUPS) as GroupName[]).flatMap((name) => {
    const ofGroup = items.get(name);
    return ofGroup ? [{ ...GROUPS[name], items: ofGroup }] : [];
  });
}

function itemOf({ stack, address, type }: Change, text: string): Item {
  return { kind: typeInWords(type), stack, address, text };
}

function putOf(
  change: Change,
  untold: readonly Difference[] | undefined,
  scene: Scene,
  put: (name: GroupName, change: Change, text: string) => void,
): void {
  const what = `the ${typeInWords(change.type)} ${scene.nameOf(change)}`;
  const reason = reasonInWords(change);
  switch (change.action) {
    case "none":
      put("none", change, what);
      return;
    case "read":
      put("read", change, what);
      return;
    case "create":
      put(isOfVersion(change, scene) ? "version" : "new", change, what);
      return;
    case "destroy":
      put(isOfVersion(change, scene) ? "version" : "deleted", change, reason ? `${what}, since ${reason}` : what);
      return;
    case "forget":
      put("forgotten", change, what);
      return;
    case "replace": {
      const forces = forcesOf(change, scene);
      const why = forces.length > 0 ? `: ${forces.join("; ")}` : reason ? `, since ${reason}` : "";
      const others = othersOf(change, untold ?? scene.differences(change)).map((each) => scene.showDifference(each));
      put(isOfVersion(change, scene) ? "version" : "replaced", change, [`${what}${why}`, ...others].join("; "));
      return;
    }
    case "update":
    case "unknown": {
      const differences = untold ?? scene.differences(change);
      const told = differences.map((each) => scene.showDifference(each)).join("; ");
      put(groupOf(change, differences), change, told ? `${what}: ${told}` : what);
    }
  }
}

/** Code that only goes to another folder. */
function isOfVersion(change: Change, scene: Scene): boolean {
  if (!CODE.test(change.type)) return false;
  // A first deployment has no other version.
  return hasOtherContent(change) || scene.changes.some(({ type, action }) => CODE.test(type) && action !== "create");
}

function groupOf(change: Change, differences: readonly Difference[]): GroupName {
  if (differences.length === 0) return "nothing";
  if (differences.every(({ path }) => /^(tags|tags_all|custom_tags|timeouts)(\.|$)/.test(path))) return "tags";
  if (differences.every(({ path, after }) => after === LATER || COMPUTED.test(path))) return "later";
  return CODE.test(change.type) ? "version" : "changed";
}

/** What changed outside of Terraform, of one kind. */
export interface Drift {
  readonly headline: string;
  /** Whether something in this plan follows from it. */
  readonly isRelevant: boolean;
  readonly items: readonly Item[];
}

/** What others changed, the same change of many things told once; what decides something in the plan first. */
export function groupDrift(scene: Scene, plans: readonly Plan[]): readonly Drift[] {
  const groups = new Map<string, { change: Change; fields: readonly string[]; isRelevant: boolean; items: Item[] }>();
  for (const { drift, relevant, changes } of plans) {
    for (const change of drift) {
      const differences = change.action === "update" ? scene.differences(change) : [];
      const fields = differences.map(({ path }) => path);
      const isRelevant =
        changes.some(({ address, action }) => address === change.address && action !== "none" && action !== "read") ||
        [...relevant].some((each) => each === change.address || each.startsWith(`${change.address}.`));
      const isSeen = fields.length > 0 || change.action === "destroy";
      const plain = fields.map((field) => field.replaceAll(/\[[^\]]*\]/g, "[]"));
      const key = isSeen ? JSON.stringify([isRelevant, change.type, change.action, plain]) : "unseen";
      const group = groups.get(key) ?? { change, fields, isRelevant: isRelevant && isSeen, items: [] };
      const shown = differences.map((each) => scene.showDifference(each)).join("; ");
      group.items.push(
        itemOf(change, `the ${typeInWords(change.type)} ${scene.nameOf(change)}${shown && `: ${shown}`}`),
      );
      groups.set(key, group);
    }
  }
  return [...groups.values()]
    .sort((one, other) => Number(other.isRelevant) - Number(one.isRelevant))
    .map(({ change, fields, isRelevant, items }) => ({
      headline: driftInWords(change, fields, items.length, scene),
      isRelevant,
      items,
    }));
}

function driftInWords({ action, type }: Change, fields: readonly string[], number: number, scene: Scene): string {
  const what = number === 1 ? `the ${typeInWords(type)}` : `${number} times ${typeInWords(type)}`;
  if (action === "destroy") return `${what} deleted by somebody else`;
  if (fields.length === 0) return `${counted(number, "thing")} read back without a difference that can be seen`;
  return `${what} changed by somebody else: ${listed(fields.map((field) => scene.show(field)))}`;
}
