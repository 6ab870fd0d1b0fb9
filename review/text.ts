/** Words and values of a review: always on one line, never obeyed by a terminal or by Markdown. */

/** What a terminal or a browser obeys: control characters, ends of lines, and what turns the direction of writing. */
export const OBEYED = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const LONGEST_VALUE = 160;
/** What is shown of that before the place where two long texts begin to differ. */
const BEFORE_DIFFERENCE = 40;

/** A text on one line, with whatever a terminal would obey written out. */
export function printable(text: string): string {
  return writtenOut(wellFormed(text).replaceAll(/\s*\n\s*/g, " "), OBEYED);
}

/** A text with the number of each character that a pattern finds in its place. */
export function writtenOut(text: string, characters: RegExp): string {
  return text.replaceAll(characters, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Halves of characters are nothing that can be written. */
export function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

/** A text of other people's making, quoted as code: nothing in it is Markdown any more. */
export function code(text: string): string {
  return quoted(printable(text), 0);
}

/** A command quoted like that, but whole however long it is: nobody can run a part of it. */
export function codeOfCommand(command: string): string {
  return inTicks(printable(command));
}

/** Two texts quoted like that, of those that are too long to show the part where they begin to differ. */
export function codesOf(one: string, other: string): readonly [string, string] {
  return [codeAmong(one, [other]), codeAmong(other, [one])];
}

/**
 * A text quoted like that, among others; of one that is too long to show, the part from which on it differs from all of
 * them, or else its end.
 */
export function codeAmong(text: string, others: readonly string[]): string {
  const shown = printable(text);
  if (shown.length <= LONGEST_VALUE) return quoted(shown, 0);
  const sames = others.map((other) => sameStart(shown, printable(other))).filter((same) => same < shown.length);
  const start = sames.length > 0 ? Math.max(...sames) - BEFORE_DIFFERENCE : shown.length - LONGEST_VALUE;
  return quoted(shown, Math.max(0, start));
}

/** How many characters two texts begin with that are the same. */
function sameStart(one: string, other: string): number {
  let same = 0;
  while (same < one.length && one[same] === other[same]) same += 1;
  return same;
}

/** @param start of what is shown of a text that is too long to show */
function quoted(text: string, start: number): string {
  return inTicks(shortened(text, start));
}

const inTicks = (text: string) => `\`${text.replaceAll("`", "'") || " "}\``;

/** A part of a text that is too long to show, and how long that is. */
function shortened(text: string, start: number): string {
  if (text.length <= LONGEST_VALUE) return text;
  const shown = wellFormed(text.slice(start, start + LONGEST_VALUE));
  const [before, after] = [start > 0, start + LONGEST_VALUE < text.length].map((isCut) => (isCut ? "..." : ""));
  return `${before}${shown}${after} (${text.length} characters)`;
}

/** A number of things in words: `1 change`, `2 changes`. */
export function counted(number: number, singular: string, plural = `${singular}s`): string {
  return `${number} ${number === 1 ? singular : plural}`;
}

const MOST_LISTED = 8;

/** `a`, `a and b`, `a, b and c`; of many the first ones, and how many more. */
export function listed(items: readonly string[]): string {
  const shown =
    items.length > MOST_LISTED ? [...items.slice(0, MOST_LISTED - 1), `${items.length - MOST_LISTED + 1} more`] : items;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1) ?? ""}`;
}
