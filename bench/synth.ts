/**
 * Time and memory of a synth, against the same app as CDKTF's own template would have it: providers imported through
 * their index, run by ts-node with type checks. Exits with 1 unless ours takes less than a third of the time, and less
 * than 250 MB.
 *
 *     node --import tsx bench/synth.ts
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const RUNS = 5;
const LARGEST_SHARE_OF_TIME = 1 / 3;
const LARGEST_PEAK_MEGABYTES = 250;
const ROOT = path.join(__dirname, "..");

interface Run {
  readonly seconds: number;
  readonly peakMegabytes: number;
}

/** Runs an app in a process of its own, which tells its peak memory at its end. */
function run(cwd: string, args: readonly string[], scratch: string): Run {
  const hook = path.join(scratch, "peak.cjs");
  const peakFile = path.join(scratch, "peak");
  const tell = `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(peakFile)}, String(process.resourceUsage().maxRSS)));`;
  writeFileSync(hook, tell);
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ["--require", hook, ...args, "main.ts"], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, CDKTF_OUTDIR: path.join(scratch, "cdktf.out") },
  });
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`the app failed in ${cwd}:\n${stderr}`);
  return { seconds, peakMegabytes: Number(readFileSync(peakFile, "utf8")) / 1024 };
}

/** Copies the app and rewrites it in the style of the template. */
function writeTemplateStyle(directory: string): void {
  for (const part of ["main.ts", "environments", "stacks", "notebooks", "cdktf.json"]) {
    cpSync(path.join(ROOT, part), path.join(directory, part), { recursive: true });
  }
  symlinkSync(path.join(ROOT, "node_modules"), path.join(directory, "node_modules"));
  const compilerOptions = { target: "es2022", module: "commonjs", moduleResolution: "node10", strict: true };
  writeFileSync(
    path.join(directory, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...compilerOptions, esModuleInterop: true, skipLibCheck: true } }),
  );
  for (const file of readdirSync(directory, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts") || file.startsWith("node_modules")) continue;
    const source = readFileSync(path.join(directory, file), "utf8");
    writeFileSync(path.join(directory, file), toTemplateStyle(source));
  }
}

/** Imports providers through their index, and local files without their extension. */
function toTemplateStyle(source: string): string {
  return source
    .replace(/import (type )?\{([^}]*)\} from "@cdktf\/provider-(\w+)\/lib\/([\w-]+)\/index\.js";/g, fromIndex)
    .replace(/from "(\.[^"]*)\.ts"/g, 'from "$1"');
}

function fromIndex(_: string, typeOnly: string | undefined, imported: string, provider: string, resource: string) {
  const exported = resource.replace(/-(\w)/g, (__, letter: string) => letter.toUpperCase());
  const namespace = `${provider}_${exported}`;
  const names = imported.split(",").map((name) => name.trim());
  const declarations = names.filter(Boolean).map((name) => {
    const bare = name.replace(/^type /, "");
    const type = `type ${bare} = ${namespace}.${bare};`;
    return typeOnly || bare !== name ? type : `const { ${bare} } = ${namespace}; ${type}`;
  });
  return `import { ${exported} as ${namespace} } from "@cdktf/provider-${provider}";\n${declarations.join("\n")}`;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function summarize(name: string, runs: readonly Run[]): Run {
  const seconds = median(runs.map((each) => each.seconds));
  const peakMegabytes = Math.max(...runs.map((each) => each.peakMegabytes));
  console.log(
    `${name.padEnd(28)} ${seconds.toFixed(2)} s (median of ${runs.length}), at most ${peakMegabytes.toFixed(0)} MB`,
  );
  return { seconds, peakMegabytes };
}

function main(): void {
  const scratch = mkdtempSync(path.join(tmpdir(), "order-tracking-bench-"));
  const template = mkdtempSync(path.join(tmpdir(), "order-tracking-template-"));
  try {
    writeTemplateStyle(template);
    const ours: Run[] = [];
    const templates: Run[] = [];
    // In turns, so that a busy moment of the machine meets both.
    for (let turn = 0; turn < RUNS; turn++) {
      ours.push(run(ROOT, ["--import", "tsx"], scratch));
      templates.push(run(template, ["--require", "ts-node/register"], scratch));
    }
    const own = summarize("this app, tsx", ours);
    const other = summarize("template style, ts-node", templates);
    const share = own.seconds / other.seconds;
    console.log(
      `share of the template's time: ${share.toFixed(2)} (allowed: less than ${LARGEST_SHARE_OF_TIME.toFixed(2)})`,
    );
    if (share >= LARGEST_SHARE_OF_TIME || own.peakMegabytes >= LARGEST_PEAK_MEGABYTES) process.exitCode = 1;
  } finally {
    rmSync(scratch, { recursive: true });
    rmSync(template, { recursive: true });
  }
}

main();
