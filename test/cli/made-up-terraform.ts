/** A program in Terraform's place: writes down what it is asked, and answers what a test wants. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export interface Call {
  readonly stack: string;
  readonly args: readonly string[];
  /** The backend that is in place of the stack's own. */
  readonly backend?: Readonly<Record<string, unknown>>;
  readonly variables: Readonly<Record<string, string>>;
}

/** What it answers. */
export interface Answers {
  /** The plan of each stack, as JSON; by default one that changes nothing. */
  readonly plans?: Readonly<Record<string, unknown>>;
  /** Of each stack's state; by default there is none. */
  readonly states?: Readonly<Record<string, unknown>>;
  /** `plan STACK`, or a command in whatever folder, fails. */
  readonly failing?: string;
  /** What it says then. */
  readonly failure?: string;
  /** Files that it leaves in its folder then. */
  readonly left?: Readonly<Record<string, string>>;
  readonly version?: string;
}

export class MadeUpTerraform {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "order-tracking-terraform-"));
  readonly #before = process.env;

  constructor() {
    const program = `#!${process.execPath}
      const { appendFileSync, existsSync, readFileSync, writeFileSync } = require("node:fs");
      const answers = JSON.parse(readFileSync(${JSON.stringify(this.#file("answers.json"))}, "utf8"));
      const stack = require("node:path").basename(process.cwd());
      const args = process.argv.slice(2);
      const override = "backend_override.tf.json";
      const backend = existsSync(override) ? JSON.parse(readFileSync(override, "utf8")).terraform.backend : undefined;
      const call = { stack, args, backend, variables: process.env };
      appendFileSync(${JSON.stringify(this.#file("calls.jsonl"))}, JSON.stringify(call) + require("node:os").EOL);
      const [command] = args;
      if ([command, command + " " + stack].includes(answers.failing)) {
        for (const [file, content] of Object.entries(answers.left ?? {})) writeFileSync(file, content);
        console.error(answers.failure ?? "Error: no luck");
        process.exit(1);
      }
      if (command === "init" && !existsSync(".terraform.lock.hcl")) writeFileSync(".terraform.lock.hcl", "providers of " + stack);
      if (command === "providers") writeFileSync(".terraform.lock.hcl", "locked: " + readFileSync("main.tf.json", "utf8"));
      if (command === "plan") writeFileSync("plan", "a plan of " + stack);
      if (command === "apply") console.log("applied " + stack);
      if (command === "state" && answers.states?.[stack]) console.log(JSON.stringify(answers.states[stack]));
      if (command === "version") console.log(JSON.stringify({ terraform_version: answers.version ?? "1.11.4" }));
      if (command === "show") console.log(JSON.stringify(answers.plans?.[stack] ?? { format_version: "1.2", resource_changes: [] }));`;
    mkdirSync(this.#file("bin"));
    writeFileSync(this.#file("bin/terraform"), program);
    chmodSync(this.#file("bin/terraform"), 0o755);
    this.answer({});
    process.env = { ...this.#before, PATH: `${this.#file("bin")}${path.delimiter}${this.#before.PATH}` };
  }

  answer(answers: Answers): void {
    writeFileSync(this.#file("answers.json"), JSON.stringify(answers));
  }

  /** What it was asked since the last time. */
  calls(): readonly Call[] {
    const file = this.#file("calls.jsonl");
    const lines = readFileSync(file, "utf8").trim().split("\n").filter(Boolean);
    writeFileSync(file, "");
    return lines.map((line) => JSON.parse(line) as Call);
  }

  remove(): void {
    process.env = this.#before;
    rmSync(this.#folder, { recursive: true });
  }

  #file(name: string): string {
    return path.join(this.#folder, name);
  }
}
