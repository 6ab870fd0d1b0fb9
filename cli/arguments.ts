/** The command line: options that every command shares, and how a wrong one is refused. */
import { homedir } from "node:os";
import path from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { csv } from "./csv.ts";

/** A mistake in the command line: shown with the command's usage, exit code 2. */
export class UsageError extends Error {}

/** Where a laptop's volume and tables live, unless `--home` says otherwise. */
const DEFAULT_HOME = path.join(path.dirname(__dirname), ".local");

/** The options of a command beside `--help`, in the form of `parseArgs`. */
export const homeOption = { home: { type: "string", default: DEFAULT_HOME } } as const;

/** Whose job a command runs. */
export const environmentOption = { environment: { type: "string", default: "dev" } } as const;

/** @throws UsageError where an option is unknown or lacks its value, or did not come further than npm */
export function parseArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  const kept = keptByNpm(config);
  if (kept !== undefined) {
    throw new UsageError(`npm has taken --${kept} for an option of its own: put -- before the options, as shown here`);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/**
 * An option of the command that stood on npm's command line without `--` before it, which npm hands on as a setting of its
 * own; undefined where there is none. Without it the command would do something else, or the same somewhere else.
 */
function keptByNpm({ args = [], options = {} }: ParseArgsConfig): string | undefined {
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const given = new Set(tokens.map((token) => (token.kind === "option" ? token.name : "")));
  return Object.keys(options).find(
    (name) => !NPMS_OWN.includes(name) && !given.has(name) && process.env[`npm_config_${name.replaceAll("-", "_")}`],
  );
}

/**
 * What npm itself has settings for: one that is in a person's .npmrc, for all that npm does, looks here as if it had stood on
 * the command line. A command that does not get these only asks, or answers in words.
 */
const NPMS_OWN = ["yes", "json"];

/**
 * A path as the person typed it: npm runs the command in the project's folder, wherever it was called, and a shell leaves
 * the `~` of `--home=~/orders` as it is.
 */
export function userPath(given: string): string {
  return path.resolve(process.env.INIT_CWD ?? "", given.replace(/^~(?=\/|$)/, homedir));
}

/** What a command needs beside what it says, to be about this home. */
export function homeArgument(home: string): string {
  return home === DEFAULT_HOME ? "" : ` --home ${shellWord(shownPath(home))}`;
}

/** What a command needs beside what it says, to run the job of this environment. */
export function environmentArgument(environment: string): string {
  return environment === environmentOption.environment.default ? "" : ` --environment ${shellWord(environment)}`;
}

/** A text as one word of a command line. */
export function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * The FILEs of a command as its job takes them: as one line of CSV, without the spaces around each.
 *
 * @throws UsageError where the job would take one for another file, or for all
 */
export function fileList(files: readonly string[]): string {
  for (const file of files) {
    if (file.trim() === "") throw new UsageError("a FILE is empty, which would mean all: name it, or leave it out");
    if (file !== file.trim()) throw new UsageError(`"${file}" has spaces around it, which the job cuts off`);
  }
  return csv(files, []).trimEnd();
}

/** A path as people like to read it: relative where that is shorter. */
export function shownPath(absolute: string): string {
  const whole = path.resolve(absolute); // Without the slash at its end that a relative one does not have either.
  const relative = path.relative(process.env.INIT_CWD ?? "", whole) || ".";
  return relative.length < whole.length ? relative : whole;
}
