/** A review as Markdown that fits a comment: what matters is never what is cut, and what is cut is said. */
import { contentsOf, type Section, titleOf, type Told } from "./contents.ts";
import type { Review } from "./review.ts";
import { code, counted } from "./text.ts";

/** GitHub's limit of a comment, in characters; counted in bytes here, which are never fewer. */
export const COMMENT_LIMIT = 65_536;
/** Room for the marker that a comment starts with, so that the next one of the environment takes its place. */
const ROOM_FOR_MARKER = 100;
/** Room for the sentence that says what was cut. */
const ROOM_FOR_CUT = 400;

/** An entry with all that there is to say, or in brief; or it is left out, and only counted. */
interface Entry {
  readonly full: string;
  readonly brief: string;
  form: "full" | "brief" | "left out";
}

/** A review, short enough for a comment. */
export function asMarkdown(review: Review, limit = COMMENT_LIMIT - ROOM_FOR_MARKER): string {
  const sections = contentsOf(review).map((section) => ({ section, entries: section.told.map(entryOf) }));
  const entries = sections.flatMap((each) => each.entries);
  const write = () => {
    const parts = sections.map(({ section, entries: ofSection }) => written(section, ofSection));
    return [`## ${titleOf(review)}\n`, cutSentence(entries, review), ...parts].join("");
  };
  let excess = bytes(write()) + ROOM_FOR_CUT - limit;
  if (excess <= ROOM_FOR_CUT) return write();
  for (const { entries: ofSection } of sections.toSorted((one, other) => one.section.weight - other.section.weight)) {
    for (const form of ["brief", "left out"] as const) {
      for (const entry of ofSection.toReversed()) {
        if (excess <= 0) break;
        excess -= bytes(textOf(entry));
        entry.form = form;
        excess += bytes(textOf(entry));
      }
      // Counting what is left out takes some room as well.
      if (excess <= 0) excess = bytes(write()) - limit;
    }
  }
  return write();
}

function cutSentence(entries: readonly Entry[], { environment }: Review): string {
  const brief = entries.filter(({ form, full, brief }) => form === "brief" && full !== brief).length;
  const left = entries.filter(({ form }) => form === "left out").length;
  if (brief + left === 0) return "";
  const parts = [`${counted(brief, "entry", "entries")} in brief`, `${left} only counted`];
  return `\n**This is cut to fit a comment: ${parts.join(", ")}.** It does not suffice to approve the plan. All of it: ${code(`npm run -s order-tracking -- plan ${environment}`)}\n`;
}

function entryOf({ sentence, below, diff }: Told): Entry {
  const brief = `- ${sentence}\n`;
  const full = [brief, ...below.map((each) => `  - ${each}\n`), ...(diff === undefined ? [] : [fenced(diff)])].join("");
  return { full, brief, form: "full" };
}

/** A block of code that whatever is in it cannot end, below an entry of a list. */
function fenced(diff: string): string {
  const longest = [...diff.matchAll(/`+/g)].reduce((most, [ticks]) => Math.max(most, ticks.length), 2);
  const fence = "`".repeat(longest + 1);
  return `\n${[`${fence}diff`, ...diff.split("\n"), fence].map((line) => `  ${line}\n`).join("")}\n`;
}

const textOf = (entry: Entry) => (entry.form === "left out" ? "" : entry[entry.form]);
const bytes = (text: string) => Buffer.byteLength(text);

function written({ title, isFolded }: Section, entries: readonly Entry[]): string {
  const left = entries.filter(({ form }) => form === "left out").length;
  const more = left > 0 ? `- ${left} more, left out here\n` : "";
  const body = `\n${entries.map(textOf).join("")}${more}`;
  return isFolded ? `\n<details><summary>${title}</summary>\n${body}\n</details>\n` : `\n### ${title}\n${body}`;
}
