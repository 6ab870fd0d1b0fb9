/** `order-tracking spark`: the Spark that stays warm between commands. */
import { sparkStatus, stopSpark, type SparkStatus } from "../../local/spark-server.ts";
import { parseArguments, UsageError } from "../arguments.ts";

export const usage = `Usage: npm run -s order-tracking -- spark status | stop

Commands share one Spark in this checkout: the first one starts it, which takes seconds, and it stays warm for the next.
It ends 20 minutes after the last command, and when the code or the Python environment changes.

  status  whether it runs, since when, how much memory it takes, and who uses it
  stop    end it, and whatever it is doing; the next run finishes what that began

ORDER_TRACKING_SPARK_IDLE_MINUTES says how long it stays; with 0 it ends with the command.
`;

const NOT_WARM = "No Spark is warm: the next command that needs it starts one.";

/** Shows or ends the warm Spark. */
export async function run(args: readonly string[]): Promise<number> {
  const { positionals } = parseArguments({ args: [...args], allowPositionals: true, options: {} });
  const [what, ...rest] = positionals;
  if ((what !== "status" && what !== "stop") || rest.length > 0) throw new UsageError("give status or stop");
  if (what === "stop") {
    const stopped = await stopSpark();
    console.log(stopped === undefined ? NOT_WARM : `${sparkLines(stopped).join("\n")}\nIt has ended.`);
  } else console.log((await aboutSpark()).join("\n"));
  return 0;
}

/** The lines of `status`. */
export async function aboutSpark(): Promise<string[]> {
  return sparkLines(await sparkStatus());
}

/** What people want to know of it, a line each. */
function sparkLines(status: SparkStatus | undefined): string[] {
  if (status === undefined) return [NOT_WARM];
  const { pid, user, since, memory_mib, idle_minutes, clients } = status;
  const minutes = (seconds: number) => `${Math.floor((Date.now() / 1000 - seconds) / 60)} min`;
  return [
    `Spark is warm: for ${minutes(since)}, ${memory_mib} MiB, process ${pid} of ${user}; ` +
      (idle_minutes === 0 ? "it ends with the last command." : `it ends ${idle_minutes} min after the last command.`),
    ...clients.map(
      ({ pid: user, since: from, works, command }) =>
        `  used by process ${user} for ${minutes(from)}, ${works ? "at work" : "idle"}: ${command}`,
    ),
  ];
}
