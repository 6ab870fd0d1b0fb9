/** What was there before, and is afterwards, where others have deleted a thing, or it has another address from now on. */
import { type Change, text } from "./plan.ts";
import type { Scene } from "./scene.ts";

/** Types of what may start by itself. */
export const STARTING = /^databricks_(job|alert_v2)$/;
/** An account has one, which says when its files go to another tier, and when they are deleted. */
export const POLICY = "azurerm_storage_management_policy";

/** A thing, or what takes its place where it is deleted: the one of its name, or the one that it was deposed for. */
export function staying(thing: Change, scene: Scene): Change {
  if (thing.action !== "destroy") return thing;
  const successor = scene.changes.find(
    (each) =>
      each.action !== "destroy" &&
      (isNamesake(each, thing, scene) ||
        (each.stack === thing.stack && thing.address.startsWith(`${each.address} (deposed `))),
  );
  return successor ?? thing;
}

/**
 * What a change comes to where its plan does not show what was there: others have deleted that, or it was at another address
 * until now. A job or an alert that the plan deletes and makes under one name is a `replace` here. An account's only policy
 * stays a `create`, since it is told as one that changes: `before` is what the deleted one had, or nothing.
 */
export function withPrevious(change: Change, scene: Scene): Change {
  const outcome = scene.outcomeOf(change);
  if (outcome.action === "create" && STARTING.test(change.type)) {
    const moved = scene.changes.find((each) => each.action === "destroy" && isNamesake(each, change, scene));
    return moved ? { ...outcome, action: "replace", before: moved.before } : outcome;
  }
  const account = text(change.after.storage_account_id);
  if (outcome.action !== "create" || change.type !== POLICY || account === "") return outcome;
  const previous = scene.changes.find(
    ({ type, action, before }) =>
      type === POLICY && action === "destroy" && text(before.storage_account_id) === account,
  );
  return { ...outcome, before: previous?.before ?? {} };
}

const isNamesake = (one: Change, other: Change, scene: Scene): boolean =>
  one.stack === other.stack && one.type === other.type && scene.nameOf(one) === scene.nameOf(other);
