/** Why something is replaced, and what else is another of it then. */
import { type Difference, isOfWhatIsNew, LATER } from "./differences.ts";
import type { Change } from "./plan.ts";
import type { Scene } from "./scene.ts";
import { code } from "./text.ts";
import { reasonInWords } from "./words.ts";

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
  change.action === "replace"
    ? differences.filter((each) => each.after !== LATER && !isForcing(change, each) && !isOfWhatIsNew(each, change))
    : [];

/** Terraform's path of an attribute has an index for each block, also for one that is there once. */
const isAt = (terraformPath: string, { path }: Difference) =>
  [terraformPath, terraformPath.replaceAll(/\[\d+\]/g, "")].includes(path);
