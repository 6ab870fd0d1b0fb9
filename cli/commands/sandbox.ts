/** `order-tracking sandbox`: an environment of one person's branch, from its birth to the last trace of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { az } from "../../deploy/azure-cli.ts";
import { findLeftovers, leftoverLines } from "../../deploy/leftovers.ts";
import { currentBranch } from "../../deploy/git.ts";
import { folderOf } from "../../deploy/plan-stacks.ts";
import { readSandboxHome, type SandboxHome } from "../../deploy/sandbox-home.ts";
import { stateBlobs, unlock } from "../../deploy/sandbox-states.ts";
import { checkSandboxName, hasExpired, listSandboxes, type Sandbox, whyNoSandbox } from "../../deploy/sandboxes.ts";
import { recordedTags, tearDown } from "../../deploy/tear-down.ts";
import { TerraformEnded, terraformOrFail } from "../../deploy/terraform.ts";
import { dev } from "../../environments/dev.ts";
import { SANDBOX } from "../../environments/environment.ts";
import { STACK_KINDS } from "../../environments/names.ts";
import { SANDBOX_VARIABLES } from "../../environments/requested.ts";
import { checkLastDay, defaultLastDay, lastDayAfter } from "../../environments/sandbox-expiry.ts";
import { SANDBOX_HOME, SANDBOX_RESOURCE_GROUP, sandboxName, sandboxTags } from "../../environments/sandbox.ts";
import { agreed } from "../agreed.ts";
import { parseArguments, UsageError } from "../arguments.ts";
import { unwrittenAdvice } from "../broken-deployment.ts";
import { synthesize } from "../synthesize.ts";
import { textTable } from "../text-table.ts";

export const usage = `Usage: npm run -s order-tracking -- sandbox up [--owner PERSON] [--branch BRANCH] [--until DAY | --days N]
                                                       [--break-locks]
       npm run -s order-tracking -- sandbox down [NAME | --owner PERSON --branch BRANCH] [--break-locks] [--yes]
       npm run -s order-tracking -- sandbox extend [NAME | --owner PERSON --branch BRANCH] --until DAY
       npm run -s order-tracking -- sandbox list [--json]
       npm run -s order-tracking -- sandbox reap [--yes]

A sandbox has a lake and a catalog of its own, in the workspace of ${SANDBOX_HOME}; nothing in it starts by itself. Its name
follows from repository, person and branch: the sourceRepository of ${SANDBOX_HOME}, and by default who is signed in to the Azure CLI,
and the branch that is checked out.

  up      deploy the checkout to the sandbox; it lives for two weeks after the last deployment, or until another day
  down    destroy it from its recorded state, which needs neither its branch nor its code, then look for anything left:
          exit code 0 only if there is nothing. Can be run again after whatever stopped it
  extend  let it live until another day, 90 days from now at most
  list    show every sandbox, and until when it lives
  reap    take down whatever has expired, after showing it; exit code 0 only if nothing of it is left

  --until DAY    its last day, as YYYY-MM-DD
  --days N       that many days from now, instead of two weeks
  --break-locks  whoever locked its state was killed (locks of more than six hours are broken anyway)
  --yes          do not ask
`;

const OPTIONS = {
  owner: { type: "string" },
  branch: { type: "string" },
  until: { type: "string" },
  days: { type: "string" },
  "break-locks": { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  yes: { type: "boolean", default: false },
} as const;

interface Asked {
  readonly name?: string | undefined;
  readonly owner?: string | undefined;
  readonly branch?: string | undefined;
  readonly until?: string | undefined;
  readonly days?: string | undefined;
  readonly "break-locks": boolean;
  readonly json: boolean;
  readonly yes: boolean;
}

/** What each subcommand does, and the options that it takes. */
const COMMANDS: Readonly<
  Record<string, { readonly act: (asked: Asked) => Promise<number>; readonly takes: readonly string[] }>
> = {
  up: { act: up, takes: ["owner", "branch", "until", "days", "break-locks"] },
  down: { act: down, takes: ["name", "owner", "branch", "break-locks", "yes"] },
  extend: { act: extend, takes: ["name", "owner", "branch", "until"] },
  list: { act: list, takes: ["json"] },
  reap: { act: reap, takes: ["yes"] },
};

const say = (line: string) => {
  console.log(line);
};

const today = () => new Date().toISOString().slice(0, "YYYY-MM-DD".length);

/** Finds the subcommand. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({ args: [...args], allowPositionals: true, options: OPTIONS });
  const [what = "", name, ...rest] = positionals;
  const command = COMMANDS[what];
  if (command === undefined) throw new UsageError("give up, down, extend, list or reap");
  const asked = { ...values, name };
  const given = Object.entries(asked).filter(([, value]) => value !== undefined && value !== false);
  const stray = given.map(([option]) => option).find((option) => !command.takes.includes(option));
  if (stray !== undefined || rest.length > 0)
    throw new UsageError(`sandbox ${what} takes no ${stray ?? rest.join(" ")}`);
  return command.act(asked);
}

async function up(asked: Asked): Promise<number> {
  if (asked.until !== undefined && asked.days !== undefined) throw new UsageError("give --until or --days");
  const renewed = asked.days === undefined ? defaultLastDay(today()) : lastDayAfter("--days", asked.days, today());
  if (asked.until !== undefined) checkLastDay("--until", asked.until, today());
  const { owner, branch } = await personAndBranch(asked);
  const name = sandboxName(owner, branch);
  const lastDay = asked.until ?? (await laterOf(renewed, name));
  await withFolder(async (folder) => {
    await synthesize(folder, SANDBOX, undefined, {
      [SANDBOX_VARIABLES.owner]: owner,
      [SANDBOX_VARIABLES.branch]: branch,
      [SANDBOX_VARIABLES.expiresOn]: lastDay,
    });
    // Refuses what could be deployed, but not taken down again.
    const home = readSandboxHome(folder, name, SANDBOX_RESOURCE_GROUP);
    await unlock(home, await stateBlobs(home, `${name}/`), {
      breakLocks: asked["break-locks"],
      remedy: "run this again with --break-locks",
      say,
    });
    for (const kind of STACK_KINDS) {
      const stack = folderOf(folder, `${name}-${kind}`);
      console.log(`Deploying ${name}-${kind}.`);
      await terraformOrFail(stack, ["init", "-input=false", "-no-color"]);
      await terraformOrFail(stack, ["apply", "-auto-approve", "-input=false", "-no-color"], { isShown: true });
    }
  });
  console.log(`${name} is the sandbox of ${owner} for ${branch}, until ${lastDay}.`);
  console.log(`To take it down: npm run -s order-tracking -- sandbox down ${name}`);
  return 0;
}

/** Each deployment renews a sandbox, but never takes away what an extension gave. */
async function laterOf(renewed: string, name: string): Promise<string> {
  const { tags } = (await listSandboxes(await homeOfSandboxes())).find((each) => each.name === name) ?? {};
  const given = tags?.["expires-on"] ?? "";
  return given > renewed ? given : renewed;
}

async function down(asked: Asked): Promise<number> {
  const { name, ...whose } = await nameOf(asked);
  const home = await homeOfSandboxes();
  const sandboxes = await listSandboxes(home);
  const sandbox = sandboxes.find((each) => each.name === name);
  if (sandbox?.tags) refuseOthers(name, sandbox.tags);
  console.log(sandbox ? textTable(COLUMNS, [rowOf(sandbox)]).join("\n") : `Nothing is known of ${name}.`);
  if (!sandbox) tellOthers(sandboxes, whose);
  const isAsked = sandbox !== undefined && !asked.yes;
  if (!(await agreed(`Destroy ${name} and all data in it?`, isAsked))) return 1;
  return (await takeDown(home, name, asked["break-locks"])) ? 0 : 1;
}

/**
 * Names the sandboxes that other repositories have of a person and a branch. They may be of a fork, so nobody but a person
 * takes them down. Branches of one repository may share a tag, since tags hold fewer characters.
 */
function tellOthers(sandboxes: readonly Sandbox[], { owner, branch }: Whose): void {
  if (owner === undefined || branch === undefined) return;
  const wanted = sandboxTags(owner, branch);
  const others = sandboxes.filter(
    ({ tags }) =>
      tags?.owner === wanted.owner &&
      tags.branch === wanted.branch &&
      tags["source-repository"] !== dev.sourceRepository,
  );
  if (others.length === 0) return;
  console.log(`Another sourceRepository makes another name. Of ${owner} and ${branch} there is also:`);
  for (const { name, tags } of others) console.log(`  ${name}, of ${tags?.["source-repository"] ?? "no repository"}`);
  console.log("To take one of them down, give sandbox down its name.");
}

/** @throws Error where what has a sandbox's name has not all of its tags */
function refuseOthers(name: string, tags: Readonly<Record<string, string>>): void {
  const reason = whyNoSandbox(name, tags);
  if (reason !== undefined) throw new Error(`what has the name ${name} in Azure is no sandbox: ${reason}`);
}

/** Takes a sandbox down and looks for what is left. @returns whether nothing is */
async function takeDown(home: SandboxHome, name: string, breakLocks: boolean): Promise<boolean> {
  let failure: Error | undefined;
  try {
    await tearDown(home, name, { breakLocks, say });
  } catch (error) {
    if (error instanceof TerraformEnded) throw error;
    failure = error as Error;
    console.error(`${name} could not be destroyed: ${failure.message}`);
  }
  const { left, notSearched } = await findLeftovers(home, name);
  const toRemove = left.filter(({ call }) => call !== undefined);
  const passing = left.filter(({ call }) => call === undefined);
  if (passing.length > 0) console.log(["In the trash:", ...passing.flatMap(leftoverLines)].join("\n"));
  if (toRemove.length > 0) {
    console.error([`Left of ${name}, and how to remove it:`, ...toRemove.flatMap(leftoverLines)].join("\n"));
  }
  if (notSearched.length > 0) console.error([`Nobody could look for:`, ...notSearched].join("\n"));
  const isGone = failure === undefined && toRemove.length === 0 && notSearched.length === 0;
  if (isGone) console.log(`Nothing is left of ${name}.`);
  return isGone;
}

async function extend(asked: Asked): Promise<number> {
  if (asked.until === undefined) throw new UsageError("give --until DAY");
  checkLastDay("--until", asked.until, today());
  const { name } = await nameOf(asked);
  const home = await homeOfSandboxes();
  const sandbox = (await listSandboxes(home)).find((each) => each.name === name);
  if (sandbox?.tags === undefined) throw new Error(`there is nothing of ${name} in Azure`);
  refuseOthers(name, sandbox.tags);
  for (const id of sandbox.taggedIds) {
    await az({
      command: "tag update",
      options: {
        "resource-id": id,
        operation: "Merge",
        tags: `expires-on=${asked.until}`,
        subscription: home.backend.subscriptionId,
      },
    });
  }
  console.log(`${name} lives until ${asked.until}.`);
  return 0;
}

const COLUMNS = ["name", "owner", "branch", "expires_on", "state"];
const rowOf = ({ name, tags = {}, taggedIds, hasState }: Sandbox) => [
  name,
  tags.owner,
  tags.branch,
  tags["expires-on"],
  [hasState ? "recorded" : "no state", ...(taggedIds.length === 0 ? ["nothing in Azure"] : [])].join(", "),
];

async function list({ json }: Asked): Promise<number> {
  const sandboxes = await listSandboxes(await homeOfSandboxes());
  if (json) console.log(JSON.stringify(sandboxes, null, 2));
  else
    console.log(sandboxes.length === 0 ? "There is no sandbox." : textTable(COLUMNS, sandboxes.map(rowOf)).join("\n"));
  return 0;
}

async function reap({ yes }: Asked): Promise<number> {
  const home = await homeOfSandboxes();
  const all: Sandbox[] = [];
  let isAllWell = true;
  for (const sandbox of await listSandboxes(home)) {
    const isKnown = await orTell(sandbox.name, async () => all.push(await withTags(home, sandbox)) > 0);
    isAllWell = isKnown && isAllWell;
  }
  const reasonOf = ({ name, tags }: Sandbox) => (tags ? whyNoSandbox(name, tags) : "nothing says whose it is");
  for (const sandbox of all) {
    const reason = reasonOf(sandbox);
    if (reason !== undefined) console.error(`${sandbox.name} is left alone: ${reason}`);
  }
  const expired = all.filter((each) => reasonOf(each) === undefined && hasExpired(each.tags ?? {}, today()));
  if (expired.length === 0) {
    console.log("No sandbox has expired.");
    return isAllWell ? 0 : 1;
  }
  console.log(["Expired:", ...textTable(COLUMNS, expired.map(rowOf))].join("\n"));
  if (!(await agreed("Destroy them and all data in them?", !yes))) return 1;
  for (const { name } of expired) {
    const isDone = await orTell(name, async () => {
      // To take the others down took minutes, in which somebody may have given this one more time.
      const found = (await listSandboxes(home)).find((each) => each.name === name);
      const now = found && (await withTags(home, found));
      if (now === undefined || !hasExpired(now.tags ?? {}, today())) {
        console.error(`${name} is left alone: ${now === undefined ? "it is gone" : "it was given more time"}`);
        return true;
      }
      return takeDown(home, name, false);
    });
    isAllWell = isDone && isAllWell;
  }
  return isAllWell ? 0 : 1;
}

/** What is done for one sandbox; what keeps it from that is told, and is false, and keeps nobody from the others. */
async function orTell(name: string, act: () => Promise<boolean>): Promise<boolean> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof TerraformEnded) throw error;
    console.error(`${name} is left alone: ${(error as Error).message}`);
    return false;
  }
}

/** The sandbox with its tags; where its group is gone, what was written down still tells whose it was. */
async function withTags(home: SandboxHome, sandbox: Sandbox): Promise<Sandbox> {
  const [tags] = sandbox.tags ? [sandbox.tags] : await recordedTags(home, sandbox.name);
  return { ...sandbox, ...(tags && { tags }) };
}

/** A person and a branch, unless a sandbox was named. */
type Whose = Pick<Asked, "owner" | "branch">;

/** The sandbox that is named, or the one of a person and a branch. */
async function nameOf(asked: Asked): Promise<Whose & { readonly name: string }> {
  if (asked.name !== undefined) {
    if (asked.owner !== undefined || asked.branch !== undefined) {
      throw new UsageError("give a name, or an owner and a branch");
    }
    checkSandboxName(asked.name);
    return { name: asked.name };
  }
  const { owner, branch } = await personAndBranch(asked);
  return { name: sandboxName(owner, branch), owner, branch };
}

async function personAndBranch({ owner, branch }: Asked): Promise<{ readonly owner: string; readonly branch: string }> {
  return { owner: owner ?? (await signedInPerson()), branch: branch ?? (await currentBranch()) };
}

const accountType = z.object({ user: z.object({ name: z.string() }) });

/** Whoever is signed in to Azure, the same on each of their machines. */
async function signedInPerson(): Promise<string> {
  const { user } = accountType.parse(await az({ command: "account show", options: {} }));
  return user.name.replace(/@.*$/, "");
}

function homeOfSandboxes(): Promise<SandboxHome> {
  return withFolder(async (folder) => {
    await synthesize(folder, SANDBOX_HOME);
    return readSandboxHome(folder, SANDBOX_HOME, SANDBOX_RESOURCE_GROUP);
  });
}

async function withFolder<Result>(act: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(path.join(tmpdir(), "order-tracking-sandbox-"));
  try {
    return await act(folder);
  } finally {
    const advice = unwrittenAdvice(folder);
    if (advice === undefined) rmSync(folder, { recursive: true });
    else console.error(advice);
  }
}
