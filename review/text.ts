/** Words and values of a review: always on one line, never obeyed by a terminal or by Markdown. */

/** What a terminal obeys: control characters, and those that turn the direction of writing. */
const OBEYED = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
const LONGEST_VALUE = 160;

/** A text on one line, with whatever a terminal would obey written out. */
export function printable(text: string): string {
  return wellFormed(text)
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll(OBEYED, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Halves of characters are nothing that can be written. */
export function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}

/** A text of other people's making, quoted as code: nothing in it is Markdown any more. */
export function code(text: string): string {
  return `\`${shortened(printable(text)).replaceAll("`", "'") || " "}\``;
}

/** The start of a text that is too long to show, and how long it is. */
function shortened(text: string): string {
  if (text.length <= LONGEST_VALUE) return text;
  return `${wellFormed(text.slice(0, LONGEST_VALUE))}... (${text.length} characters)`;
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
