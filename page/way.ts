/** The way of an order: its states in the order of time, each with the rows of files that told of it. */
import type { Row } from "../local/notebook-kernel.ts";
import { text } from "./pieces.ts";

/** A row of a file, and what its loading meant for the order. */
export type DecidedRow = Row & { readonly decision: string };

/** A point on an order's way. */
export interface Loading {
  /** When the order was in that state. */
  readonly at: string;
  readonly status: string;
  /** What else is another value than in the state before; empty where nothing is. */
  readonly changes: string;
  readonly isCurrent: boolean;
  /** The rows that were loaded for that time, as they came. */
  readonly rows: readonly DecidedRow[];
}

const OF_EACH_STATE = new Set(["status", "valid_from", "valid_to", "is_current", "last_update_timestamp"]);

/**
 * The states of an order, the oldest first, with the rows that they are made of.
 *
 * @param states of the history, the oldest first
 * @param rows of the stage, in the order in which they were loaded
 * @param areLast whether rows that were loaded before these are left out
 */
export function loadings(states: readonly Row[], rows: readonly Row[], areLast = false): Loading[] {
  const decided = decisions(rows, areLast);
  return states.map((state, index) => ({
    at: text(state.valid_from),
    status: text(state.status),
    changes: changes(states[index - 1], state),
    isCurrent: state.is_current === true,
    rows: decided.filter((row) => row.last_update_timestamp === state.valid_from),
  }));
}

/**
 * What each row meant for the order when it was loaded, by the times of the states that were known then.
 *
 * @param areLast whether rows that were loaded before these are left out: each is then compared with these alone
 */
export function decisions(rows: readonly Row[], areLast = false): DecidedRow[] {
  const first = areLast ? "what was known before it is not shown" : "the first that was known of the order";
  const known = new Map<string, Map<string, string>>();
  let newest = "";
  return rows.map((row) => {
    const time = String(row.last_update_timestamp);
    const value = JSON.stringify(Object.entries(row).filter(([name]) => !name.startsWith("_")));
    const status = text(row.status).toUpperCase();
    const ofTime = known.get(time);
    const decision = newest === "" ? first : decided(newest, time, ofTime, value, status);
    known.set(time, (ofTime ?? new Map<string, string>()).set(status, value));
    if (time > newest) newest = time;
    return { ...row, decision };
  });
}

/** @param ofTime the values that came last with each status of that time: those with one status may be sent in turn */
function decided(
  newest: string,
  time: string,
  ofTime: ReadonlyMap<string, string> | undefined,
  value: string,
  status: string,
): string {
  if (ofTime?.get(status) === value) return "the same again, which changed nothing";
  if (ofTime !== undefined) {
    const isOnlyStatus = ofTime.has(status) && ofTime.size === 1;
    const what = isOnlyStatus ? "what was sent last counts" : "the order of the statuses says which one counts";
    return `another state of the same time: ${what}`;
  }
  return time > newest ? "newer, so the order moved on" : "older than what was known, so it only filled in the way";
}

/** The values, beside the status, that a state does not share with the one before it. */
export function changes(before: Row | undefined, state: Row): string {
  if (before === undefined) return "";
  return Object.keys(state)
    .filter((name) => !OF_EACH_STATE.has(name) && !name.startsWith("_") && text(before[name]) !== text(state[name]))
    .map((name) => `${name.replaceAll("_", " ")}: ${text(state[name]) || "none"}`)
    .join("; ");
}
