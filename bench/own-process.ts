/**
 * A command of the laptop with a Spark in a process of its own, as all of them had before Spark stayed warm.
 *
 *     node --import tsx bench/own-process.ts start | track | query HOME
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { OF_NO_WORKSPACE, synthesize } from "../cli/synthesize.ts";
import { openHome } from "../local/home.ts";
import { deliver } from "../local/landing-directory.ts";
import { LocalLoadJob } from "../local/local-job.ts";
import { readLoadJob } from "../local/synthesized-job.ts";
import { QUERY, REPORTS, TRACK } from "./laptop-commands.ts";

const root = path.dirname(__dirname);

async function main(command: string | undefined, directory: string | undefined): Promise<void> {
  const home = openHome(directory ?? "");
  const python = path.join(root, ".venv", "bin", "python");
  const child = spawn(python, [path.join(__dirname, "own_kernel.py"), home.tables], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (request: object) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = (await lines.next()) as IteratorResult<string, undefined>;
    const { result, error } = JSON.parse(line.value ?? "{}") as { result: unknown; error?: { message: string } };
    if (error !== undefined) throw new Error(error.message);
    return result;
  };
  const query = async (sql: string) =>
    ask({ sql: { query: sql, parameters: {}, schema: "order_tracking", catalogs: [], may_change: false } });
  if (command === "start") {
    await synthesize(home.synthesized, "dev", undefined, OF_NO_WORKSPACE);
    const kernel = {
      runNotebook: async (file: string, parameters: Readonly<Record<string, string>>, log: string) =>
        ((await ask({ run_notebook: { path: file, parameters, log } })) as { output: string | null }).output,
    };
    const job = new LocalLoadJob(readLoadJob(home.synthesized, "dev"), home, kernel);
    for (const arrival of readdirSync(path.join(root, "samples")).sort()) {
      for (const file of readdirSync(path.join(root, "samples", arrival)).sort()) {
        deliver(path.join(root, "samples", arrival, file), job.landingDirectory);
      }
      const { status } = await job.run(new AbortController().signal, () => undefined);
      if (status !== "SUCCESS") throw new Error(`the job ended with ${status}`);
    }
    for (const report of REPORTS) {
      await query(readFileSync(path.join(root, "notebooks", "queries", `${report}.sql`), "utf8"));
    }
  } else for (const sql of command === "track" ? TRACK : [QUERY]) await query(sql);
  child.stdin.end();
  await once(child, "close");
}

void main(process.argv[2], process.argv[3]);
