/** Until when a sandbox may live. Days are in UTC, as YYYY-MM-DD. */
import { z } from "zod";
import { EnvironmentError } from "./environment.ts";

/** Long enough for a branch, short enough that it is not forgotten. */
const DEFAULT_SANDBOX_DAYS = 14;
/** Nobody remembers what an older one was for. */
const MAX_SANDBOX_DAYS = 90;
const MILLISECONDS_OF_A_DAY = 24 * 60 * 60 * 1000;

/** The last day of a sandbox for which nobody asks another. */
export function defaultLastDay(today: string): string {
  return dayAfter(today, DEFAULT_SANDBOX_DAYS);
}

/** The day so many days from today. @throws EnvironmentError where that is no number, or too many */
export function lastDayAfter(what: string, days: string, today: string): string {
  if (!/^\d{1,2}$/.test(days) || Number(days) > MAX_SANDBOX_DAYS) {
    throw new EnvironmentError(`${what} is ${days}: it must be a whole number of days, at most ${MAX_SANDBOX_DAYS}`);
  }
  return dayAfter(today, Number(days));
}

function dayAfter(today: string, days: number): string {
  return new Date(Date.parse(today) + days * MILLISECONDS_OF_A_DAY).toISOString().slice(0, "YYYY-MM-DD".length);
}

/** Whether a day is further away than any sandbox may live. */
function isTooFar(day: string, today: string): boolean {
  return Date.parse(day) - Date.parse(today) > MAX_SANDBOX_DAYS * MILLISECONDS_OF_A_DAY;
}

/** @throws EnvironmentError where a day is too far away; it may have passed, since such a sandbox can still be destroyed */
export function refuseTooFar(what: string, day: string, today: string): void {
  if (!isTooFar(day, today)) return;
  throw new EnvironmentError(`${what} is ${day}: it must be at most ${MAX_SANDBOX_DAYS} days from now`);
}

/** @throws EnvironmentError where a day is none, has passed or is too far away to be the last one of a sandbox */
export function checkLastDay(what: string, day: string, today: string): void {
  if (!z.iso.date().safeParse(day).success) {
    throw new EnvironmentError(`${what} is ${day}: it must be a date as YYYY-MM-DD`);
  }
  if (day < today) throw new EnvironmentError(`${what} is ${day}: that day has passed`);
  refuseTooFar(what, day, today);
}
