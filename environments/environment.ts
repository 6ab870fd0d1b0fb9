/** What may differ between environments, and the rules that each value must meet. */
import { z } from "zod";
import {
  GUESTS_FOLDER,
  memberId,
  resourceGroup,
  STACK_KINDS,
  storageAccount,
  workspaceFolder,
  workspaceManagedResourceGroup,
} from "./names.ts";
import { networkField, networkProblems, type Problem } from "./network.ts";
import { REGIONS, replicationsIn } from "./regions.ts";
import { resourceId, text } from "./text.ts";

/** What is wrong with an environment, or with the request for one, in sentences for people. */
export class EnvironmentError extends Error {}

/** How the name of a sandbox begins, and that of no environment that lasts. */
export const SANDBOX_PREFIX = "sbx";

/** Stands for the sandbox that variables of the process say, whose own name is a hash; also its environment on GitHub. */
export const SANDBOX = "sandbox";

/** Variables of the process, as in `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

const flag = () => z.boolean({ error: "true or false" });

// Azure's limits: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
const storageAccountName = () => text("3-24 lower-case letters and digits (Azure storage account)", /^[a-z0-9]{3,24}$/);
const containerName = () =>
  text(
    "3-63 lower-case letters, digits and single hyphens, none at either end (Azure container)",
    /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/,
  );
const resourceGroupName = () =>
  text(
    "1-90 letters, digits, hyphens, underscores, points and round brackets, no point at the end (Azure resource group)",
    /^[\w.()-]{0,89}[\w()-]$/,
  );
const keyVaultName = () =>
  text(
    "3-24 letters, digits and single hyphens, a letter first (Azure Key Vault)",
    /^(?=.{3,24}$)[a-zA-Z][a-zA-Z0-9]*(-[a-zA-Z0-9]+)*$/,
  );
const keyName = () => text("1-127 letters, digits and hyphens (key of an Azure Key Vault)", /^[a-zA-Z0-9-]{1,127}$/);
const workspaceName = () =>
  text("3-64 letters, digits, hyphens and underscores (Azure Databricks workspace)", /^[\w-]{3,64}$/);

// Tags of clusters and jobs allow less than those of Azure: the same text has to do for all.
const tagValue = () =>
  text("1-256 of the letters A-Z, digits, spaces and _ - + = . : / @ (tag)", /^[\w +=.:/@-]{1,256}$/);
const whole = (rule: string, least: number, most?: number) => {
  const number = z.int({ error: rule }).min(least, { error: rule });
  return most === undefined ? number : number.max(most, { error: rule });
};
/** The sweep loads what the trigger leaves, several times a day: a longer time would change nothing. */
const MOST_SECONDS = 86_400;
const seconds = () =>
  whole(`a whole number of seconds, 60 to ${MOST_SECONDS} (Databricks file-arrival trigger)`, 60, MOST_SECONDS);
const MOST_DAYS = 99_999;
const days = () => whole(`a whole number of days, 1 to ${MOST_DAYS} (lifecycle rule of Azure storage)`, 1, MOST_DAYS);
const percent = () => {
  const rule = "a number from 0 to 100 (percent)";
  return z.number({ error: rule }).min(0, { error: rule }).max(100, { error: rule });
};
/** Whether a list names nothing twice, not even in another case: the services know groups and addresses in any. */
const isEachOnce = (names: readonly string[]) => new Set(names.map((name) => name.toLowerCase())).size === names.length;
/** `admins` are a workspace's administrators: a deployment that gives them a permission is refused halfway. */
const group = () =>
  text("the name of an account group, without space at either end", /^\S(.*\S)?$/).refine(
    (name) => name.toLowerCase() !== "admins",
    { error: "another group than admins, who may do everything, and whose permissions nobody can change" },
  );
const groups = () =>
  z
    .array(group(), { error: "a list of account groups" })
    .refine(isEachOnce, { error: "a list that names each group once, in whichever case" });
/** In lower case, as the services return it: Terraform would find a difference in every plan otherwise. */
const id = (rule: string) => z.guid({ error: rule }).transform((given) => given.toLowerCase());
const servicePrincipal = () => id("the application id (a GUID) of a service principal");

/** The services' limit for each event of a job: databricks_job in the provider documentation, webhook_notifications. */
const MAX_DESTINATIONS = 3;
const DESTINATION_KINDS = ["slack", "teams", "webhook"] as const;
export type DestinationKind = (typeof DESTINATION_KINDS)[number];

const notifications = () =>
  z
    .strictObject(
      {
        /** Addresses to write to. */
        emails: z
          .array(z.email({ error: "an e-mail address" }), { error: "a list of e-mail addresses" })
          .refine(isEachOnce, { error: "a list that names each address once" })
          .default([]),
        /** Notification destinations to create. Their URLs are secrets: sensitive Terraform variables. */
        create: z
          .array(z.enum(DESTINATION_KINDS, { error: "slack, teams or webhook" }), {
            error: "a list of slack, teams and webhook",
          })
          .refine(isEachOnce, { error: "a list that names each kind once" })
          .default([]),
        /** Ids of notification destinations that exist, whose secrets this project never sees. */
        existing: z
          .array(id("the id (a GUID) of a notification destination"), {
            error: "a list of ids of notification destinations",
          })
          .refine(isEachOnce, { error: "a list that names each destination once" })
          .default([]),
      },
      { error: "emails, create and existing, each a list" },
    )
    .refine(({ create, existing }) => create.length + existing.length <= MAX_DESTINATIONS, {
      error: `at most ${MAX_DESTINATIONS} destinations, created and existing ones together (Databricks jobs)`,
    })
    .prefault({});

/** One rule of stacks/guard-rails/rules.ts that one construct may break for a while. */
const waiver = z.strictObject(
  {
    rule: text("the id of a guard rail", /^[a-z]+(-[a-z]+)*$/),
    construct: text("the path of a construct", /\//),
    reason: text("a reason that others understand", /\S/),
    /** The last day on which it holds. */
    expiresOn: z.iso.date({ error: "a date as YYYY-MM-DD" }),
  },
  { error: "a guard rail, a construct, a reason and a last day" },
);

const environmentFields = z.strictObject({
  /** Part of every name; the longest derived one, the storage account's, has room for 11 characters. */
  name: text("2-11 lower-case letters and digits, a letter first", /^[a-z][a-z0-9]{1,10}$/),
  /** Azure region of everything. */
  location: z.enum(REGIONS, {
    error: "the short name of an Azure region with Databricks, such as westeurope (regions.ts)",
  }),
  /** Variable of the process that holds the subscription's id, so that the id stays out of the repository. */
  subscriptionIdVariable: text("the name of an environment variable", /^[A-Z][A-Z0-9_]*$/),
  /** Value of that variable. Without it the stacks can be synthesized and planned, but not deployed. */
  subscriptionId: z.guid({ error: "a GUID, as in the variable that subscriptionIdVariable names" }).optional(),
  /** Person or team to ask; a tag. */
  owner: tagValue(),
  /** Who pays; a tag. */
  costCentre: tagValue(),
  /** Url of the repository that the environment is deployed from; a tag. */
  sourceRepository: tagValue(),
  /** Branch that a sandbox was made for; a tag. */
  branch: tagValue().optional(),
  /** Last day of a sandbox; a tag that tells a clean-up what may go. */
  expiresOn: z.iso.date({ error: "a date as YYYY-MM-DD" }).optional(),
  /** Whether deleting it may delete data; if not, Terraform refuses to delete what holds some while the code describes it. */
  disposable: flag().default(false),
  /** The lake's name; Azure wants it unique in the world. By default `ordertracking<name>`. */
  storageAccount: storageAccountName().optional(),
  /** Copies of the lake: one zone, three zones, or three zones and a second region. */
  storageReplication: z
    .enum(["LRS", "ZRS", "GZRS"], { error: "LRS, ZRS or GZRS (Azure storage replication)" })
    .default("LRS"),
  /** From where the lake can be reached; what it needs, and what it costs, is in `network.ts`. */
  network: networkField,
  /** Key in a vault of the same subscription that encrypts the lake. By default Azure's own. */
  customerManagedKey: z
    .strictObject(
      { vault: keyVaultName(), resourceGroup: resourceGroupName(), key: keyName() },
      { error: "a key, its vault and the vault's resource group" },
    )
    .optional(),
  /** Log Analytics workspace that keeps who read, wrote and changed what. By default nobody keeps it. */
  logAnalyticsWorkspaceId: resourceId(
    "the resource id of a Log Analytics workspace",
    "Microsoft.OperationalInsights/workspaces",
  ).optional(),
  /** Whether Azure tells Databricks of new files, so that nobody needs to list the landing directory. */
  fileEvents: flag().default(false),
  /** Resource group to use, which stays as it is. By default one is created. */
  existingResourceGroup: resourceGroupName().optional(),
  /**
   * Resource group that sandboxes share, so that people need rights in no other one. By default each has one of its own,
   * which takes the right to create resource groups in the subscription.
   */
  sandboxResourceGroup: resourceGroupName().optional(),
  /** Workspace to use. By default one is created. */
  existingWorkspace: z
    .strictObject(
      { name: workspaceName(), resourceGroup: resourceGroupName() },
      { error: "a workspace's name and resource group" },
    )
    .optional(),
  /** Where Terraform's state is kept. By default in files under `.terraform-state/`, good for one person only. */
  stateContainer: z
    .strictObject(
      { resourceGroup: resourceGroupName(), storageAccount: storageAccountName(), container: containerName() },
      { error: "a container, its storage account and resource group" },
    )
    .optional(),
  /** What the job runs on: a cluster that stays for a while, one for each run, or none of our own. */
  compute: z
    .enum(["all-purpose", "job-cluster", "serverless"], { error: "all-purpose, job-cluster or serverless" })
    .default("job-cluster"),
  /** Whether no job starts by itself, neither as files arrive nor at its hour. */
  triggerPaused: flag().default(false),
  minTimeBetweenTriggersSeconds: seconds().default(60),
  /** Quiet time after the last change: a client's files of one day make one batch. 0 is for clients that never pause. */
  waitAfterLastChangeSeconds: z
    .union([z.literal(0), seconds()], {
      error: `0, or a whole number of seconds, 60 to ${MOST_SECONDS} (Databricks file-arrival trigger)`,
    })
    .default(60),
  /** Columns that the contract does not know: leave them out, add them to the tables, or reject their file. */
  newColumns: z.enum(["ignore", "add", "reject"], { error: "ignore, add or reject" }).default("ignore"),
  /** A file's last row without a line end, of which a part may be missing: load it with a warning, or quarantine it. */
  cutRows: z.enum(["load", "quarantine"], { error: "load or quarantine" }).default("load"),
  /** A file with a larger share of bad rows is rejected as a whole. */
  maxBadRowsPercent: percent().default(50),
  /** A run with a larger share of quarantined rows fails in the quality gate. */
  maxQuarantinedPercent: percent().default(20),
  /** A run that rejects more files fails in the quality gate. */
  maxRejectedFiles: whole("a whole number, 0 or more", 0).default(0),
  /**
   * How long the tables' old versions are kept, for time travel, and rows of the stage that only repeat others: a file that
   * is older cannot be withdrawn, since what its rows repeated is gone.
   */
  retentionDays: whole(
    `a whole number of days, 7 (safety check of Delta's VACUUM) to ${MOST_DAYS}`,
    7,
    MOST_DAYS,
  ).default(30),
  /** Age at which archived files move to the cool tier: cheaper to keep, dearer to read. */
  archiveCoolAfterDays: days().default(30),
  /**
   * Age at which archived files are deleted. By default never. Azure counts from when a file was sent, so it has to be more
   * than any file waits: one that is older when a run claims it may be deleted before it is read.
   */
  archiveDeleteAfterDays: days().optional(),
  /** Who hears of failed and long runs, and of what the alerts find. */
  notifications: notifications(),
  /** SQL warehouse of the queries, the dashboard and the alerts: a new one, or by its id. By default there are none of these. */
  warehouse: text("create, or the id of a SQL warehouse: 16 of 0-9 and a-f", /^(create|[0-9a-f]{16})$/).optional(),
  /** Group that owns storage and catalog; whoever deploys or plans must be in it. By default whoever deployed first owns them. */
  ownerGroup: group().optional(),
  /** Groups that may put files into the landing directory. */
  loaders: groups().default([]),
  /** Groups that may query the tables. */
  analysts: groups().default([]),
  /** Groups that may start and watch runs, and look at what was rejected. */
  operators: groups().default([]),
  /**
   * Application id of the service principal that the jobs run as. Not the one that deploys, which may do more: the
   * provider refuses to let it permit itself less. By default the jobs run as whoever deployed them.
   */
  runAs: servicePrincipal().optional(),
  /**
   * Application id of the service principal that deploys. Jobs and the warehouse belong to it, so that a plan shows the
   * same to whoever makes it. By default they belong to whoever deployed, and all others see them lose their owner.
   */
  deployer: servicePrincipal().optional(),
  /** Guard rails that are not kept yet: each names what breaks which rule, why, and until when. */
  waivers: z.array(waiver, { error: "a list of waivers" }).default([]),
});

/** An environment whose values are right, each by itself. */
type Fields = Readonly<z.output<typeof environmentFields>>;

const environmentType = environmentFields.superRefine((environment, context) => {
  for (const problem of problemsOf(environment)) context.addIssue({ code: "custom", ...problem });
});

/** What is wrong with values that are right by themselves, but not together. */
function problemsOf(environment: Fields): readonly Problem[] {
  return [
    ...sandboxNameProblems(environment),
    ...folderProblems(environment),
    ...accountProblems(environment),
    ...resourceGroupProblems(environment),
    ...replicationProblems(environment),
    ...archiveProblems(environment),
    ...waiverProblems(environment),
    ...ownerProblems(environment),
    ...deployerProblems(environment),
    ...memberProblems(environment),
    ...spellingProblems(environment),
    ...networkProblems(environment),
  ];
}

function sandboxNameProblems({ name, branch, expiresOn }: Fields): readonly Problem[] {
  if (name === SANDBOX) {
    const message = `another name, since ${SANDBOX} stands for whichever sandbox a process asks for`;
    return [{ path: ["name"], input: name, message }];
  }
  if (!name.startsWith(SANDBOX_PREFIX) || (branch !== undefined && expiresOn !== undefined)) return [];
  const message = `a name that does not begin with ${SANDBOX_PREFIX}, as those of sandboxes do, which have branch and expiresOn`;
  return [{ path: ["name"], input: name, message }];
}

/** Such an environment would own the folder of others, and take it away with itself. */
function folderProblems(environment: Fields): readonly Problem[] {
  if (workspaceFolder(environment) !== GUESTS_FOLDER) return [];
  const message = `another name, since ${GUESTS_FOLDER} in a workspace of our own is the folder of environments that are guests there`;
  return [{ path: ["name"], input: environment.name, message }];
}

/** The state cannot be kept in what it tells how to create. */
function accountProblems(environment: Fields): readonly Problem[] {
  const state = environment.stateContainer?.storageAccount;
  if (state !== storageAccount(environment)) return [];
  const message = "another storage account than the lake's, which the environment creates (storageAccount)";
  return [{ path: ["stateContainer", "storageAccount"], input: state, message }];
}

/** Azure takes a resource group's name in any case. */
function resourceGroupProblems(environment: Fields): readonly Problem[] {
  const { customerManagedKey, existingResourceGroup, existingWorkspace, sandboxResourceGroup, stateContainer } =
    environment;
  const isSame = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();
  const made = [
    ...(existingResourceGroup === undefined ? [resourceGroup(environment)] : []),
    ...(existingWorkspace ? [] : [workspaceManagedResourceGroup(environment)]),
  ];
  const state = stateContainer?.resourceGroup;
  const problems: Problem[] = [];
  if (state !== undefined && made.some((group) => isSame(group, state))) {
    const message =
      "another resource group than those that come and go with the environment, as the state has to outlive it";
    problems.push({ path: ["stateContainer", "resourceGroup"], input: state, message });
  }
  // Whoever makes sandboxes may change and delete whatever is in their group.
  const named = [state, existingWorkspace?.resourceGroup, customerManagedKey?.resourceGroup];
  const kept = [...made, resourceGroup(environment), ...named.filter((group) => group !== undefined)];
  if (sandboxResourceGroup !== undefined && kept.some((group) => isSame(group, sandboxResourceGroup))) {
    const message =
      "a resource group for sandboxes alone, not the environment's, nor that of its state, workspace or key";
    problems.push({ path: ["sandboxResourceGroup"], input: sandboxResourceGroup, message });
  }
  return problems;
}

function replicationProblems({ location, storageReplication }: Fields): readonly Problem[] {
  const replications = replicationsIn(location);
  if (replications.includes(storageReplication)) return [];
  const message = `${replications.join(" or ")}, which is all that ${location} has`;
  return [{ path: ["storageReplication"], input: storageReplication, message }];
}

function archiveProblems({ archiveCoolAfterDays, archiveDeleteAfterDays }: Fields): readonly Problem[] {
  if (archiveDeleteAfterDays === undefined || archiveDeleteAfterDays > archiveCoolAfterDays) return [];
  const message = `more than archiveCoolAfterDays, which is ${archiveCoolAfterDays}`;
  return [{ path: ["archiveDeleteAfterDays"], input: archiveDeleteAfterDays, message }];
}

function waiverProblems({ name, waivers }: Fields): readonly Problem[] {
  const ofThisEnvironment = new RegExp(`^${name}-(${STACK_KINDS.join("|")})/`);
  const message = `the path of a construct of ${name}, its stack first, such as ${name}-platform/lake/account`;
  return waivers.flatMap(({ construct }, index) =>
    ofThisEnvironment.test(construct) ? [] : [{ path: ["waivers", index, "construct"], input: construct, message }],
  );
}

/** Owners may do everything, whatever a persona is granted. Databricks takes a group's name in any case. */
function ownerProblems({ ownerGroup, loaders, analysts, operators }: Fields): readonly Problem[] {
  const others = [...loaders, ...analysts, ...operators].map((name) => name.toLowerCase());
  if (ownerGroup === undefined || !others.includes(ownerGroup.toLowerCase())) return [];
  const message = "another group than those of loaders, analysts and operators, who may do less";
  return [{ path: ["ownerGroup"], input: ownerGroup, message }];
}

function deployerProblems({ deployer, runAs }: Fields): readonly Problem[] {
  if (deployer === undefined || deployer !== runAs) return [];
  return [{ path: ["deployer"], input: deployer, message: "another service principal than runAs, which may do less" }];
}

/** A workspace of our own lets each group in by an id. Two of these are those of the service principals. */
function memberProblems(environment: Fields): readonly Problem[] {
  if (environment.existingWorkspace) return [];
  const message =
    "neither runner nor deployer, and differ from other groups by more than spaces, slashes and hyphens, " +
    "where the workspace is our own";
  const taken = new Map([
    ["runner", ""],
    ["deployer", ""],
  ]);
  return mistakenGroups(environment, memberId, message, taken);
}

/** Databricks takes a group's name in any case: one that is spelt in two ways would be granted to as if it were two. */
function spellingProblems(environment: Fields): readonly Problem[] {
  const message = "spelt as it is elsewhere in loaders, analysts and operators, or differ by more than case";
  return mistakenGroups(environment, (name) => name.toLowerCase(), message);
}

/**
 * The groups of personas that would be taken for another one.
 *
 * @param keyOf what a group is known by
 * @param taken by what is known already, the name that goes by it
 */
function mistakenGroups(
  { loaders, analysts, operators }: Fields,
  keyOf: (name: string) => string,
  message: string,
  taken = new Map<string, string>(),
): readonly Problem[] {
  return Object.entries({ loaders, analysts, operators }).flatMap(([persona, names]) =>
    names.flatMap((name, index) => {
      const first = taken.get(keyOf(name)) ?? name;
      taken.set(keyOf(name), first);
      return first === name ? [] : [{ path: [persona, index], input: name, message }];
    }),
  );
}

/** A valid environment, defaults filled in. */
export type Environment = Readonly<z.output<typeof environmentType>>;

export type Waiver = Readonly<z.output<typeof waiver>>;

/** What an environment's file says; the subscription's id is not for files. */
export type EnvironmentSettings = Omit<z.input<typeof environmentType>, "subscriptionId">;

/**
 * Fills in defaults and what only the process knows, and checks every value.
 *
 * @throws EnvironmentError that names the environment and, for each wrong field, its value and its rule
 */
export function resolveEnvironment(settings: EnvironmentSettings, variables: Variables): Environment {
  const subscriptionId = variables[settings.subscriptionIdVariable];
  const given = subscriptionId ? { ...settings, subscriptionId } : settings;
  const parsed = environmentType.safeParse(given, { reportInput: true });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `  ${describe(issue)}`);
  throw new EnvironmentError(`environment ${JSON.stringify(settings.name)} cannot be used:\n${problems.join("\n")}`);
}

function describe(issue: z.core.$ZodIssue): string {
  const field = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    return [field, issue.keys.join(", ")].filter(Boolean).join(".") + ": no such field";
  }
  const value = issue.input === undefined ? "missing" : JSON.stringify(issue.input);
  return `${field} is ${value}: it must be ${issue.message}`;
}
