import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { json } from "node:stream/consumers";
import type { SparkStatus } from "../../local/spark-server.ts";
import type { Finished } from "../cli/order-tracking.ts";
import { temporaryFolder } from "./stack-on-disk.ts";

const root = path.dirname(path.dirname(__dirname));

const COPIED = [
  "bin",
  "cli",
  "deploy",
  "environments",
  "local",
  "notebooks",
  "page",
  "review",
  "samples",
  "stacks",
  "main.ts",
  "cdktf.json",
  "package.json",
  "package-lock.json",
  "requirements.txt",
  "tsconfig.json",
];

/** A command that goes on. */
export interface Running {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
}

/** A checkout of the test's own, with a Spark of its own, whose files may be changed and whose processes killed. */
export class CheckoutCopy {
  readonly folder = temporaryFolder();
  /** Where Spark and the server leave what they need while they run. */
  readonly temporary = path.join(this.folder, "tmp with spaces");
  readonly #environment = path.join(this.folder, ".venv");

  constructor() {
    for (const name of COPIED) cpSync(path.join(root, name), path.join(this.folder, name), { recursive: true });
    symlinkSync(path.join(root, "node_modules"), path.join(this.folder, "node_modules"));
    mkdirSync(path.join(this.#environment, "bin"), { recursive: true });
    mkdirSync(this.temporary);
    cpSync(path.join(root, ".venv", "pyvenv.cfg"), path.join(this.#environment, "pyvenv.cfg"));
    for (const name of ["lib", "jars", path.join("bin", "python")]) {
      symlinkSync(path.join(root, ".venv", name), path.join(this.#environment, name));
    }
    // As the set-up does, which would otherwise install everything once more.
    const lock = readFileSync(path.join(root, "requirements.txt"));
    const python = realpathSync(path.join(this.#environment, "bin", "python"));
    const mark = createHash("sha256").update(lock).update(this.#environment).update(python).digest("hex");
    writeFileSync(path.join(this.#environment, "installed"), mark);
  }

  /** Starts the `order-tracking` command. */
  start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Running {
    const child = spawn(process.execPath, [path.join(this.folder, "bin", "order-tracking.mjs"), ...args], {
      env: { ...process.env, INIT_CWD: undefined, FORCE_COLOR: undefined, TMPDIR: this.temporary, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    const finished = new Promise<Finished>((resolve) => {
      child.on("close", (code) => {
        resolve({ code, stdout, stderr });
      });
    });
    return { child, finished };
  }

  /** Runs the `order-tracking` command to its end. */
  async run(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Finished> {
    return this.start(args, environment).finished;
  }

  /** Where the server has said that it is, if one has. */
  get #address(): { readonly pid: number; readonly socket: string } | undefined {
    const file = path.join(this.#environment, "spark.json");
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { pid: number; socket: string }) : undefined;
  }

  /** The number of the server's process, or undefined where none has said that it is there. */
  get server(): number | undefined {
    return this.#address?.pid;
  }

  /** What the server says of itself, without a command that asks; undefined where there is none. */
  async sparkStatus(): Promise<SparkStatus | undefined> {
    const address = this.#address;
    if (address === undefined) return undefined;
    try {
      const socket = connect(address.socket);
      socket.end('{"status": {}}\n');
      return (await json(socket)) as SparkStatus;
    } catch {
      return undefined; // It has ended meanwhile.
    }
  }

  /** The number of Spark's Java process, or undefined where there is none. */
  get java(): number | undefined {
    return this.processes.find(({ command }) => command.includes("org.apache.spark.deploy.SparkSubmit"))?.pid;
  }

  /** Every process of this checkout. */
  get processes(): { readonly pid: number; readonly command: string }[] {
    const listed = execFileSync("ps", ["-A", "-ww", "-o", "pid=,args="], { encoding: "utf8", maxBuffer: 2 ** 26 });
    return listed
      .split("\n")
      .filter((line) => line.includes(this.folder))
      .map((line) => {
        const [, pid, command] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
        return { pid: Number(pid), command: command ?? "" };
      });
  }

  /** Whatever the checkout's Spark has left behind but its logs. */
  leftBehind(): string[] {
    return [
      ...this.processes.map(({ command }) => command),
      ...readdirSync(this.temporary).filter((name) => name.startsWith("order-tracking-spark-")),
      ...readdirSync(this.#environment).filter((name) => name.startsWith("spark.json")),
    ];
  }

  /** Ends what runs in it, and removes it. */
  remove(): void {
    for (const { pid } of this.processes) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
