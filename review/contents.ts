/** What every form of a review shows, in the order in which people read it. */
import type { Item } from "./rest.ts";
import type { Review, Verdict } from "./review.ts";
import type { Finding } from "./scene.ts";
import { counted, printable } from "./text.ts";

/** A sentence, what is said below it, and a diff. */
export interface Told {
  readonly sentence: string;
  readonly below: readonly string[];
  readonly diff?: string;
}

export interface Section {
  readonly title: string;
  /** Whether it is shown only to who asks for it. */
  readonly isFolded: boolean;
  /** The larger, the later it is cut. */
  readonly weight: number;
  readonly told: readonly Told[];
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  nothing: "nothing changes",
  changes: "nothing that needs a second look",
  "second look": "needs a second look",
  failed: "cannot be applied",
};

/** The first line: the environment, how many things meet what, and what it comes to. */
export function titleOf({ environment, counts, verdict, loss, rest, outputs }: Review): string {
  const { create = 0, update = 0, replace = 0, destroy = 0, forget = 0, unknown = 0, none = 0 } = counts;
  const moved = rest.find(({ title }) => title === "Moved")?.items.length ?? 0;
  const parts = [
    `${create} new`,
    `${update} changed`,
    `${replace} replaced`,
    `${destroy} deleted`,
    ...(forget > 0 ? [`${forget} forgotten`] : []),
    ...(unknown > 0 ? [`${unknown} unknown`] : []),
    ...(moved > 0 ? [`${moved} moved`] : []),
    ...(outputs.length > 0 ? [counted(outputs.length, "output")] : []),
    `${none} as they are`,
  ];
  const lost = loss.length > 0 ? `; ${counted(loss.length, "thing")} may lose data` : "";
  return `${printable(environment)}: ${parts.join(", ")}: ${VERDICTS[verdict]}${lost}`;
}

/** The sections that have something to say. */
export function contentsOf(review: Review): readonly Section[] {
  const ofFindings = (title: string, weight: number, findings: readonly Finding[]) =>
    section(title, weight, findings.map(toldOf));
  return [
    section("Before anything else", 9, review.warnings.map(sentence)),
    ofFindings("What may be lost", 8, review.loss),
    ofFindings("Who may do what", 7, review.access),
    ofFindings("What runs differently", 5, review.running),
    ofFindings("What it does to rows", 4, review.rows),
    ofFindings("What it costs", 3, review.costs),
    ofFindings("Dangerous changes", 6, review.inPlace),
    section("Outputs", 2, review.outputs.map(sentence), true),
    ...review.rest.map(({ title, reason, items }) =>
      section(
        `${title}: ${items.length} (${reason})`,
        1,
        ONLY_COUNTED.includes(title) ? countsOf(items) : items.map(({ text }) => sentence(text)),
        true,
      ),
    ),
    ...(["What others changed, and this plan answers", "What others changed, and this plan leaves"] as const).map(
      (title, index) =>
        section(
          title,
          index === 0 ? 2 : 1,
          review.drift
            .filter(({ isRelevant }) => isRelevant === (index === 0))
            .map(({ headline, items }) => ({ sentence: headline, below: items.map(({ text }) => text) })),
          true,
        ),
    ),
    section("How this was made", 2, review.notes.map(sentence)),
  ].filter(({ told }) => told.length > 0);
}

/** Groups of which nobody reads the names. */
const ONLY_COUNTED = ["As it is", "Code of another version"];

function countsOf(items: readonly Item[]): readonly Told[] {
  const counts = new Map<string, number>();
  for (const { kind } of items) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([kind, number]) => sentence(`${number} times ${kind}`));
}

const sentence = (text: string): Told => ({ sentence: text, below: [] });

function section(title: string, weight: number, told: readonly Told[], isFolded = false): Section {
  return { title, isFolded, weight, told };
}

function toldOf(finding: Finding & { readonly diff?: string }): Told {
  const { headline, details, needsSecondLook, source, diff } = finding;
  return {
    sentence: `${needsSecondLook ? "⚠ " : ""}${headline}`,
    below: [...details, ...(source ? [`from \`${source.replaceAll("`", "'")}\``] : [])],
    ...(diff !== undefined && { diff: diff.split("\n").map(printableLine).join("\n") }),
  };
}

/** A line of a diff: as it is, but for what a terminal would obey. */
const printableLine = (line: string) => printable(line.replaceAll("\t", "    "));
