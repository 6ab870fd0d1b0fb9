import fc from "fast-check";
import { Random } from "./random.ts";

describe("chance", () => {
  it("is repeated by a seed for each purpose, in whatever order purposes come", () => {
    const purposes = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 20 });
    const byPurpose = (random: Random, order: readonly string[]) =>
      order.map((purpose) => [purpose, random.next(purpose)] as const).sort();

    fc.assert(
      fc.property(fc.integer(), purposes, (seed, order) => {
        expect(byPurpose(new Random(seed), order.toReversed())).toEqual(byPurpose(new Random(seed), order));
      }),
    );
  });

  it("differs from seed to seed, and stays between 0 and 1", () => {
    const numbers = Array.from({ length: 100 }, (_, seed) => new Random(seed).next("a"));

    expect(new Set(numbers).size).toBe(100);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  });
});
