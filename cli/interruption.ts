/** Ctrl-C, and other ways to ask a command to end. */

/**
 * So long after the first signal another one is the same wish: npm hands on what the terminal has sent already, a fraction
 * of a millisecond later.
 */
const SAME_WISH_MS = 500;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Does some work that a signal is to end in an orderly way, its cleaning up included: the first one aborts. Whoever asks
 * once more, when that takes too long, ends the process as it is.
 *
 * @param work is given what Ctrl-C aborts
 */
export async function untilInterrupted<T>(work: (interrupted: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = new AbortController();
  let firstAt = 0;
  const stopListening = () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (!interrupt.signal.aborted) {
      firstAt = performance.now();
      interrupt.abort(new Error("interrupted"));
    } else if (performance.now() - firstAt > SAME_WISH_MS) {
      stopListening();
      process.kill(process.pid, signal); // Ends it as if nobody had listened.
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    return await work(interrupt.signal);
  } finally {
    // The same wish may still be on its way, and the process is about to end.
    if (!interrupt.signal.aborted) stopListening();
  }
}
