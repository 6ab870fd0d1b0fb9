/** The file-arrival trigger of a job: which new files start it, and when. */

/** When a trigger may fire; seconds. */
export interface FileArrivalTiming {
  readonly minTimeBetweenTriggersSeconds: number;
  readonly waitAfterLastChangeSeconds: number;
}

/**
 * Decides when to fire, as Databricks documents it: only files with a new name count, not overwritten ones; a run starts
 * when nothing more has arrived for the waiting time, and not sooner than the minimum time after the last start.
 *
 * @see https://docs.databricks.com/aws/en/jobs/file-arrival-triggers
 */
export class FileArrivalTrigger {
  readonly #timing: FileArrivalTiming;
  /** The names that were there when last looked, and since when. */
  #known: ReadonlyMap<string, number> = new Map();
  #pending = new Set<string>();
  #lastArrival = -Infinity;
  #lastFired = -Infinity;

  constructor(timing: FileArrivalTiming) {
    this.#timing = timing;
  }

  /** The files that have arrived since the trigger last fired. */
  get pending(): readonly string[] {
    return [...this.#pending];
  }

  /**
   * Looks at the watched directory.
   *
   * @param now seconds, on any steady clock
   * @param files the names that are there now, relative to the directory
   * @returns whether a run starts now
   */
  observe(now: number, files: readonly string[]): boolean {
    const arrived = files.filter((file) => !this.#known.has(file));
    // A name that was taken away counts as new when it comes back.
    this.#known = new Map(files.map((file) => [file, this.#known.get(file) ?? now]));
    for (const file of arrived) this.#pending.add(file);
    if (arrived.length > 0) this.#lastArrival = now;
    const quiet = now - this.#lastArrival >= this.#timing.waitAfterLastChangeSeconds;
    const due = now - this.#lastFired >= this.#timing.minTimeBetweenTriggersSeconds;
    if (this.#pending.size === 0 || !quiet || !due) return false;
    this.#pending.clear();
    this.#lastFired = now;
    return true;
  }

  /**
   * Forgets files that a run has taken away: what has the name of one now is new, also where no look came in between.
   *
   * @param files names, relative to the directory
   * @param since when the run began; a name that came after that has counted already
   */
  forget(files: readonly string[], since: number): void {
    const taken = new Set(files);
    this.#known = new Map([...this.#known].filter(([file, arrived]) => !taken.has(file) || arrived > since));
  }
}
