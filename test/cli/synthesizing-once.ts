/** In place of `cli/synthesize.ts` in the process of a test: what is synthesized again, and as before, is a copy. */
import { cpSync } from "node:fs";
import type * as Synthesizing from "../../cli/synthesize.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

const actual = jest.requireActual<typeof Synthesizing>("../../cli/synthesize.ts");
const made = new Map<string, string>();

/** What stacks may depend on, beside the code. */
const IS_READ = /^(ORDER_TRACKING|ARM|DATABRICKS)_/;

export const { OF_NO_WORKSPACE } = actual;

export const synthesize: typeof Synthesizing.synthesize = async (
  outputDirectory,
  environment,
  signal,
  variables,
  checkout,
) => {
  const read = Object.entries(process.env).filter(([name]) => IS_READ.test(name));
  const key = JSON.stringify([environment, variables, checkout, read.sort()]);
  let folder = made.get(key);
  if (folder === undefined) {
    folder = temporaryFolder();
    await actual.synthesize(folder, environment, signal, variables, checkout);
    made.set(key, folder);
  }
  cpSync(folder, outputDirectory, { recursive: true });
};
