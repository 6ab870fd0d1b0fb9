/** Says on standard error what people are waiting for. */
import { styleText } from "node:util";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** One line a step: with a running clock on a terminal, otherwise as it starts. */
export class Progress {
  readonly #terminal = process.stderr.isTTY;
  #timer: NodeJS.Timeout | undefined;

  /** Shows `text` until the next step starts or the progress ends. */
  step(text: string): void {
    this.end();
    if (!this.#terminal) {
      process.stderr.write(`${text} ...\n`);
      return;
    }
    const started = performance.now();
    let frame = 0;
    const draw = () => {
      const seconds = Math.floor((performance.now() - started) / 1000);
      const spinner = styleText("cyan", FRAMES[(frame += 1) % FRAMES.length] ?? "");
      process.stderr.write(`\r\x1b[K${spinner} ${text} ${styleText("dim", `${seconds} s`)}`);
    };
    draw();
    this.#timer = setInterval(draw, 100);
  }

  /** Takes the current step's line away. */
  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    process.stderr.write("\r\x1b[K");
  }

  /** A line that stays. */
  note(text: string): void {
    this.end();
    process.stderr.write(`${text}\n`);
  }
}
