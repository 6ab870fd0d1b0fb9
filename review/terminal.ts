/** A review for a terminal: the same sections as a comment, nothing folded and nothing cut. */
import { contentsOf, titleOf } from "./contents.ts";
import type { Review } from "./review.ts";

/** The lines of a review. */
export function asLines(review: Review): readonly string[] {
  const sections = contentsOf(review).flatMap(({ title, told }) => [
    "",
    title,
    ...told.flatMap(({ sentence, below, diff }) => [
      `  ${sentence}`,
      ...below.map((each) => `      ${each}`),
      ...(diff === undefined ? [] : diff.split("\n").map((line) => `      ${line}`)),
    ]),
  ]);
  return [titleOf(review), ...sections];
}
