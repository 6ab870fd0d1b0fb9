/** Says on standard error what people are waiting for, and how far it is. */
import { styleText } from "node:util";
import type { SparkProgress } from "../local/notebook-kernel.ts";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** A log gets a line after so many seconds, then after twice as many, and in the end once a minute. */
const FIRST_LINE_SECONDS = 5;
const BETWEEN_LINES_SECONDS = 60;

/** Where it is said; `process.stderr`, but in tests. */
type Output = Pick<NodeJS.WriteStream, "isTTY" | "write"> & { readonly columns?: number };

/** One line a step: one that moves on a terminal, otherwise one as it starts and one every so often. */
export class Progress {
  readonly #isSilent: boolean;
  readonly #output: Output;
  #timer: NodeJS.Timeout | undefined;
  #spark: SparkProgress | undefined;

  /** @param isSilent says nothing but notes, for who reads JSON */
  constructor(isSilent = false, output: Output = process.stderr) {
    this.#isSilent = isSilent;
    this.#output = output;
  }

  /** Shows `text` until the next step starts or the progress ends. */
  step(text: string): void {
    this.end();
    if (this.#isSilent) return;
    const started = performance.now();
    const seconds = () => Math.round((performance.now() - started) / 1000);
    if (this.#output.isTTY) this.#move(text, seconds);
    else this.#log(text, seconds);
  }

  /** How far Spark is with the current step. */
  show(spark: SparkProgress): void {
    this.#spark = spark;
  }

  /** Takes the current step's line away. */
  end(): void {
    this.#spark = undefined;
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#output.isTTY) this.#output.write("\r\x1b[K");
  }

  /** A line that stays. */
  note(text: string): void {
    this.end();
    this.#output.write(`${text}\n`);
  }

  #move(text: string, seconds: () => number): void {
    let frame = 0;
    const draw = () => {
      const spinner = styleText("cyan", FRAMES[(frame += 1) % FRAMES.length] ?? "");
      // What does not fit would go on in a line of its own, and only that would be taken away.
      const room = (this.#output.columns ?? 80) - 1 - "⠋ ".length;
      const line = `${text} ${[...this.#howFar(), `${seconds()} s`].join(", ")}`.slice(0, room);
      this.#output.write(
        `\r\x1b[K${spinner} ${line.slice(0, text.length)}${styleText("dim", line.slice(text.length))}`,
      );
    };
    draw();
    this.#timer = setInterval(draw, 100);
  }

  #log(text: string, seconds: () => number): void {
    this.#output.write(`${text} ...\n`);
    const next = (pause: number) => {
      this.#timer = setTimeout(() => {
        this.#output.write(`${text}: ${[...this.#howFar(), `${seconds()} s`].join(", ")}\n`);
        next(Math.min(2 * pause, BETWEEN_LINES_SECONDS));
      }, pause * 1000);
    };
    next(FIRST_LINE_SECONDS);
  }

  #howFar(): string[] {
    if (this.#spark === undefined) return [];
    const { tasks, tasks_done: done, rows } = this.#spark;
    return [`${done} of ${tasks} Spark tasks`, ...(rows > 0 ? [`${rows.toLocaleString("en")} rows read`] : [])];
  }
}
