#!/usr/bin/env node
/** The `order-tracking` command: makes the machine ready, then hands over to `cli/`. */
import { existsSync } from "node:fs";
import path from "node:path";
import { findDeploymentTools, findRequirements } from "./requirements.mjs";
import { fail, nodePackagesAreInstalled, root, setUp, setUpNode } from "./setup.mjs";

/** Commands that run nothing of the job, unless they are asked to compare: Node packages are enough. */
const WITHOUT_SPARK = ["state", "plan", "apply", "lock", "sandbox", "identities", "github", "reset", "spark"];

const isHelp = (word) => word === "--help" || word === "-h";
const isAboutCommands = (word) => word === undefined || isHelp(word) || ["help", "--version", "-V"].includes(word);

const DOCTOR_USAGE = `Usage: npm run -s order-tracking -- doctor

Says what is missing on this machine, also to deploy from it, how to get it, and whether a Spark is warm.
Exit code 0 only if nothing is missing that the laptop's commands need.
`;

const [command, ...args] = process.argv.slice(2);
if (command === "doctor" && args.some(isHelp)) {
  process.stdout.write(DOCTOR_USAGE);
} else if (command === "doctor") {
  // Here rather than in cli/: it must work where nothing can be installed yet.
  const findings = findRequirements();
  const show = ({ ok, sentence }) => console.log(`${ok ? "ok     " : "missing"}  ${sentence}`);
  findings.forEach(show);
  if (nodePackagesAreInstalled()) {
    await import("tsx");
    const { default: spark } = await import("../cli/commands/spark.ts");
    for (const line of await spark.aboutSpark()) console.log(`         ${line}`);
  }
  console.log("Only to deploy:");
  findDeploymentTools().forEach(show);
  process.exitCode = findings.every(({ ok }) => ok) ? 0 : 1;
} else {
  try {
    const isWithoutSpark = WITHOUT_SPARK.includes(command) && !args.some((word) => /^--compare(=|$)/.test(word));
    const isHelpOnly = isAboutCommands(command) || args.some(isHelp);
    // One that there is not is refused in cli/ as well, which knows all of them: nobody waits for Spark to hear of it.
    const isCommand = existsSync(path.join(root, "cli", "commands", `${command}.ts`));
    await (isWithoutSpark || isHelpOnly || !isCommand ? setUpNode() : setUp());
    await import("tsx");
    await import("../cli/main.ts");
  } catch (error) {
    fail(error);
  }
}
