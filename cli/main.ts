/** The `order-tracking` command: finds the subcommand, and turns every failure into a sentence and an exit code. */
import packageJson from "../package.json";
import { UsageError } from "./arguments.ts";
import { failure } from "./failure.ts";
import { printable } from "./text-table.ts";

/** A subcommand: one file in `commands/`. */
interface Command {
  /** How to call it, as shown by `--help` and after a mistake. */
  readonly usage: string;
  /** Exit code after a mistake in the command line; by default 2. */
  readonly mistakeCode?: number;
  /** @returns the exit code */
  run(args: readonly string[]): Promise<number>;
}

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  start: () => import("./commands/start.ts"),
  run: () => import("./commands/run.ts"),
  watch: () => import("./commands/watch.ts"),
  track: () => import("./commands/track.ts"),
  query: () => import("./commands/query.ts"),
  replay: () => import("./commands/replay.ts"),
  withdraw: () => import("./commands/withdraw.ts"),
  erase: () => import("./commands/erase.ts"),
  upkeep: () => import("./commands/upkeep.ts"),
  reset: () => import("./commands/reset.ts"),
  spark: () => import("./commands/spark.ts"),
  state: () => import("./commands/state.ts"),
  compare: () => import("./commands/compare.ts"),
  plan: () => import("./commands/plan.ts"),
  apply: () => import("./commands/apply.ts"),
  lock: () => import("./commands/lock.ts"),
  sandbox: () => import("./commands/sandbox.ts"),
  github: () => import("./commands/github.ts"),
  identities: () => import("./commands/identities.ts"),
  cloud: () => import("./commands/cloud.ts"),
  page: () => import("./commands/page.ts"),
};

const overview = `Usage: npm run -s order-tracking -- COMMAND

  start    load files through the job and show what happened (the same as npm start)
  run      run the job once, on what is waiting
  watch    run the job whenever files arrive
  track    show one order, and its way here
  query    run SQL on the local tables
  page     show orders, loads and files in a browser
  replay   load files with quarantined rows, archived or rejected files again
  withdraw take loaded files back, as if they had never come
  erase    remove one order from all tables and files
  upkeep   compact the tables, and delete old versions and repeated rows
  reset    remove everything that was loaded
  spark    show or end the Spark that stays warm between commands
  state    create what keeps Terraform's state in Azure
  compare  show what this checkout's code makes of files that a commit's does not
  plan     review what a deployment would change, and save it
  apply    deploy exactly what was planned and reviewed
  lock     write the hashes of the providers into a file to be committed
  sandbox  take an environment of one's own up and down
  identities  make the identities of workflows on GitHub
  github   do what workflows on GitHub do beside the other commands
  cloud    start a stand-in for Azure and Databricks on this machine, to deploy to
  doctor   say what is missing on this machine

COMMAND --help says more; --version says which version this is.
`;

const isHelp = (word: string | undefined) => word === "--help" || word === "-h";

async function main(name: string | undefined, args: readonly string[]): Promise<number> {
  const load = name === undefined ? undefined : commands[name];
  if (load === undefined) {
    if (name === "--version" || name === "-V") {
      console.log(packageJson.version);
      return 0;
    }
    const asked = name === undefined || isHelp(name) || name === "help";
    (asked ? process.stdout : process.stderr).write(asked ? overview : `There is no command ${name}.\n\n${overview}`);
    return asked ? 0 : 2;
  }
  const command = await load();
  if (args.some(isHelp)) {
    process.stdout.write(command.usage);
    return 0;
  }
  try {
    return await command.run(args);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${command.usage}`);
      return command.mistakeCode ?? 2;
    }
    process.stderr.write(`Error: ${printable(failure(error as Error))}\n`);
    return 1;
  }
}

// Whoever reads the output may have enough of it, as `head` has, or the terminal was closed, which answers EIO then as a
// broken disk does: the work goes on, or ends in order as SIGHUP asks it to, and nobody is told of it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && !(error.code === "EIO" && stream.isTTY)) throw error;
  });
}
const [name, ...args] = process.argv.slice(2);
void main(name, args).then((code) => {
  process.exitCode = code;
});
