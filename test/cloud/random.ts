/** Choices that a seed repeats, whatever order they are made in. */
import { createHash } from "node:crypto";

/**
 * Numbers from 0 to 1, each by what it is for. Requests of parallel clients come in another order each time; the answer
 * to the third request for something is as late as it was the last time all the same.
 */
export class Random {
  readonly #seed: number;
  readonly #asked = new Map<string, number>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  next(purpose: string): number {
    const asked = this.#asked.get(purpose) ?? 0;
    this.#asked.set(purpose, asked + 1);
    const digest = createHash("sha256").update(`${this.#seed} ${purpose} ${asked}`).digest();
    return digest.readUInt32BE() / 2 ** 32;
  }
}
