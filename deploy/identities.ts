/** The identities with which workflows on GitHub sign in, without a secret: one that plans, one that applies. */
import { z } from "zod";
import { NARROW_ROLES } from "../environments/narrow-roles.ts";
import { az, type AzCall, azIfThere } from "./azure-cli.ts";
import type { Step } from "./create-state-backend.ts";
import { accountId, containerId, LOCK, lockedResource, type StateBackend } from "./state-backend.ts";

/** Who tells Azure which workflow a job is of. */
const ISSUER = "https://token.actions.githubusercontent.com";
const AUDIENCE = "api://AzureADTokenExchange";

/** A role, and where an identity needs it. */
interface Role {
  readonly name: string;
  readonly on: Place;
  /** What of the role counts, as Azure reads it; all of it by default. */
  readonly condition?: string;
}

/** Where a role counts. */
type Place = "subscription" | "state" | { readonly resourceGroup: string };

/** One identity: what it may do, and which jobs may be it. */
export interface Identity {
  readonly name: string;
  readonly purpose: string;
  readonly roles: readonly Role[];
  /** The environment of GitHub whose jobs it is for; who may use it is said there. */
  readonly environment: string;
  /** Names of the workflows whose jobs it is for. */
  readonly workflows: readonly string[];
}

const ASSIGNMENTS = "Microsoft.Authorization/roleAssignments";

/**
 * Lets whoever may give and take roles do so with those of the stacks alone, and with identities of services alone: without
 * it, a job could make itself or a person the owner of the subscription.
 * https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-overview
 */
export const NARROW_ROLES_ONLY = [
  ["write", "@Request"],
  ["delete", "@Resource"],
]
  .map(
    ([action = "", assignment = ""]) =>
      `((!(ActionMatches{'${ASSIGNMENTS}/${action}'})) OR ` +
      `(${assignment}[${ASSIGNMENTS}:RoleDefinitionId] ` +
      `ForAnyOfAnyValues:GuidEquals {${Object.values(NARROW_ROLES).join(", ")}} AND ` +
      `${assignment}[${ASSIGNMENTS}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'}))`,
  )
  .join(" AND ");

/** The rights to deploy, which those who apply and those who make sandboxes need. */
const deploying = (on: Place): readonly Role[] => [
  { name: "Contributor", on },
  { name: "Role Based Access Control Administrator", on, condition: NARROW_ROLES_ONLY },
  { name: "Storage Blob Data Contributor", on: "state" },
];

/** What who deploys in one resource group needs as well: to find the workspace, and whatever is left of a sandbox. */
const FINDING: Role = { name: "Reader", on: "subscription" };

/**
 * The identities of an environment; one more where sandboxes are.
 *
 * @param sandboxGroup resource group that all sandboxes are in, if there is one
 */
export function identitiesOf(environment: string, hasSandboxes: boolean, sandboxGroup?: string): readonly Identity[] {
  const name = (purpose: string) => `id-order-tracking-${environment}-${purpose}`;
  return [
    {
      name: name("plan"),
      purpose: "reads what there is, to plan and to look for drift",
      roles: [
        { name: "Reader", on: "subscription" },
        { name: "Storage Blob Data Reader", on: "state" },
      ],
      environment: `${environment}-plan`,
      workflows: ["Pull request", "Deploy", "Drift"],
    },
    {
      name: name("apply"),
      purpose: "applies what was agreed to",
      roles: deploying("subscription"),
      environment,
      workflows: ["Deploy"],
    },
    ...(hasSandboxes
      ? [
          {
            name: name("sandbox"),
            purpose: "takes sandboxes up and down",
            roles:
              sandboxGroup === undefined
                ? deploying("subscription")
                : [...deploying({ resourceGroup: sandboxGroup }), FINDING],
            environment: "sandbox",
            workflows: ["Sandbox", "Reap"],
          },
        ]
      : []),
  ];
}

/** The repository of a url such as `https://github.com/example/order-tracking`. @throws Error where it is not GitHub's */
export function repositoryOf(url: string): string {
  const repository = /^https:\/\/github\.com\/([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(url)?.[1];
  if (repository === undefined) {
    throw new Error(`sourceRepository is ${url}: workflows of GitHub need one such as https://github.com/owner/name`);
  }
  return repository;
}

/**
 * The repository as GitHub names it in the subjects of its jobs: by its names alone, or, where it was made, renamed or moved
 * since 15 July 2026, with the ids of owner and repository as well. Only GitHub knows which: see {@link prefixCommand}.
 *
 * @param prefix what subjects begin with, such as `repo:owner/name` or `repo:owner@1/name@2`
 * @throws Error where that is no prefix of this repository
 */
export function repositoryInSubjects(prefix: string, repository: string): string {
  const named = prefix.replaceAll(/@\d+(?=\/|$)/g, "");
  // GitHub takes names in any case, and tells the one that it has; Azure compares that one exactly.
  if (named.toLowerCase() !== `repo:${repository}`.toLowerCase()) {
    throw new Error(
      `"${prefix}" begins no subject of ${repository}, as repo:OWNER/REPO or repo:OWNER@ID/REPO@ID of it would: ` +
        `give what this prints: ${prefixCommand(repository)}`,
    );
  }
  return prefix.slice("repo:".length);
}

/** The command that asks GitHub what the subjects of a repository's jobs begin with. */
export function prefixCommand(repository: string): string {
  return `gh api repos/${repository}/actions/oidc/customization/sub --jq .sub_claim_prefix`;
}

/**
 * Who a job is, as GitHub tells it: its repository, its environment and its workflow.
 *
 * GitHub leaves out the workflow unless the repository is told otherwise, with {@link subjectCommand}.
 *
 * @param repository as {@link repositoryInSubjects} tells it
 */
export function subjectOf(repository: string, environment: string, workflow: string): string {
  return `repo:${repository}:environment:${environment}:workflow:${workflow}`;
}

/** The command that makes GitHub tell the workflow as well; for whoever administers the repository. */
export function subjectCommand(repository: string): string {
  const claims = ["repo", "context", "workflow"].map((claim) => `-f 'include_claim_keys[]=${claim}'`).join(" ");
  return `gh api --method PUT repos/${repository}/actions/oidc/customization/sub -F use_default=false ${claims}`;
}

function placeOf(place: Place, backend: StateBackend): { readonly words: string; readonly scope: string } {
  const subscription = `/subscriptions/${backend.subscriptionId}`;
  if (place === "state") return { words: "the states", scope: containerId(backend) };
  if (place === "subscription") return { words: "the subscription", scope: subscription };
  const { resourceGroup } = place;
  return { words: `the resource group ${resourceGroup}`, scope: `${subscription}/resourceGroups/${resourceGroup}` };
}

/**
 * What is missing of an identity now. Roles can be given only once it is there, so it is asked for again until nothing is.
 *
 * @param repository as {@link repositoryInSubjects} tells it
 */
export async function missingIdentitySteps(
  backend: StateBackend,
  repository: string,
  identity: Identity,
): Promise<readonly Step[]> {
  const { subscriptionId: subscription, resourceGroup, location } = backend;
  const within = { "resource-group": resourceGroup, subscription };
  const principal = await principalOf(backend, identity);
  const [credentials, roles] = principal
    ? await Promise.all([credentialsOf(backend, identity), rolesOf(backend, principal.principalId)])
    : [[], []];
  const subjects = subjectsOfJobs(credentials);
  const given = new Set(roles.map(({ key }) => key));
  const missing: Step[] = [];
  const need = (what: string, call: AzCall) => missing.push({ what, call });
  if (!principal) {
    need(`create the identity ${identity.name}, which ${identity.purpose}`, {
      command: "identity create",
      options: {
        name: identity.name,
        ...within,
        location,
        tags: Object.entries(backend.tags).map(([key, value]) => `${key}=${value}`),
      },
    });
  }
  for (const workflow of identity.workflows) {
    const subject = subjectOf(repository, identity.environment, workflow);
    if (subjects.has(subject)) continue;
    need(`let the workflow "${workflow}" be it, in the environment ${identity.environment} of ${repository}`, {
      command: "identity federated-credential create",
      options: {
        name: credentialOf(identity, workflow),
        "identity-name": identity.name,
        ...within,
        issuer: ISSUER,
        subject,
        audiences: AUDIENCE,
      },
    });
  }
  for (const role of identity.roles) {
    if (given.has(keyOf(role, backend))) continue;
    missing.push(giving(role, principal?.principalId ?? `the principal id of ${identity.name}`, backend));
  }
  return missing;
}

/** How an identity gets a role. */
function giving(role: Role, principalId: string, backend: StateBackend): Step {
  const { words, scope } = placeOf(role.on, backend);
  return {
    what: `give it the role ${role.name} on ${words}${role.condition === undefined ? "" : ", limited to the roles that the stacks give"}`,
    call: {
      command: "role assignment create",
      options: {
        "assignee-object-id": principalId,
        "assignee-principal-type": "ServicePrincipal",
        role: role.name,
        scope,
        subscription: backend.subscriptionId,
        ...(role.condition !== undefined && { condition: role.condition, "condition-version": "2.0" }),
      },
    },
  };
}

/**
 * The credentials with which somebody may be an identity and is not meant to, such as the jobs of a workflow that had another
 * name, or whoever another issuer vouches for; each with the call that takes it away. One that has the name of a credential
 * which is missing is not among them: making that one writes over it.
 *
 * @param repository as {@link repositoryInSubjects} tells it
 */
export async function credentialsBeyond(
  backend: StateBackend,
  repository: string,
  identity: Identity,
): Promise<readonly Step[]> {
  if (!(await principalOf(backend, identity))) return [];
  const { resourceGroup, subscriptionId: subscription } = backend;
  const meant = (workflow: string) => subjectOf(repository, identity.environment, workflow);
  const subjects = new Set(identity.workflows.map(meant));
  const credentials = await credentialsOf(backend, identity);
  const given = subjectsOfJobs(credentials);
  const missing = identity.workflows.filter((workflow) => !given.has(meant(workflow)));
  const overwritten = new Set(missing.map((workflow) => credentialOf(identity, workflow)));
  return z
    .array(namedCredentialType)
    .parse(credentials.filter((credential) => !isOfJobs(credential) || !subjects.has(credential.subject)))
    .filter(({ name }) => !overwritten.has(name))
    .map((credential) => ({
      what: isOfJobs(credential)
        ? `the jobs of ${credential.subject}`
        : `whoever ${credential.issuer} calls ${credential.subject}, for the audience ${credential.audiences.join(", ")}`,
      call: {
        command: "identity federated-credential delete",
        options: {
          name: credential.name,
          "identity-name": identity.name,
          "resource-group": resourceGroup,
          subscription,
        },
      },
    }));
}

/**
 * The roles that an identity has and is not meant to have, such as those from before it was given fewer; each with the
 * call that takes it away, and, where it is meant to have the role under a condition, the one that gives it back so. Before
 * those of roles on the state's account comes the call that unlocks it.
 * Somebody may have given a role on purpose, on a network or a key of others, so a person decides.
 */
export async function rolesBeyond(backend: StateBackend, identity: Identity): Promise<readonly Step[]> {
  const principal = await principalOf(backend, identity);
  if (!principal) return [];
  const meant = new Map(identity.roles.map((role) => [keyOf(role, backend), role]));
  const beyond = (await rolesOf(backend, principal.principalId)).filter(({ key, condition }) => {
    const role = meant.get(key);
    return !role || (role.condition !== undefined && !isSame(role.condition, condition ?? ""));
  });
  const steps = beyond.flatMap(({ id, scope, key, roleDefinitionName, condition }) => {
    const role = meant.get(key);
    const name =
      roleDefinitionName == null ? "a role whose name Azure does not tell" : `the role ${roleDefinitionName}`;
    // A condition that differs may be of fewer roles, as from before the stacks gave one more.
    const limit =
      condition == null
        ? "not limited to the roles that the stacks give"
        : "limited to other roles than the stacks give now";
    const taking: Step = {
      what: `${name} on ${scope}${role ? `, ${limit}` : ""}`,
      call: { command: "role assignment delete", options: { ids: id, subscription: backend.subscriptionId } },
    };
    return role ? [taking, giving(role, principal.principalId, backend)] : [taking];
  });
  return beyond.some(({ scope }) => isInAccount(scope, backend)) ? [unlocking(backend), ...steps] : steps;
}

/** Whether a role counts on the state's account, or on something in it. */
function isInAccount(scope: string, backend: StateBackend): boolean {
  return `${scope}/`.toLowerCase().startsWith(`${accountId(backend)}/`.toLowerCase());
}

/** How the lock goes that the command `state` puts on the state's account: Azure deletes no role on what is locked. */
function unlocking(backend: StateBackend): Step {
  return {
    what: `first the lock on the storage account ${backend.storageAccount}, which keeps each role on it; the command state puts it back`,
    call: {
      command: "lock delete",
      options: { name: LOCK, ...lockedResource(backend), subscription: backend.subscriptionId },
    },
  };
}

/** Whether two conditions differ by nothing but white space. */
function isSame(one: string, other: string): boolean {
  const bare = (text: string) => text.replaceAll(/\s/g, "");
  return bare(one) === bare(other);
}

/**
 * Brings about what is missing of an identity, the identity itself first.
 *
 * @param repository as {@link repositoryInSubjects} tells it
 */
export async function makeIdentity(
  backend: StateBackend,
  repository: string,
  identity: Identity,
  say: (line: string) => void,
): Promise<void> {
  const perform = async ({ what, call }: Step) => {
    await az(call);
    say(`done: ${what}`);
  };
  const [first] = await missingIdentitySteps(backend, repository, identity);
  if (first?.call.command === "identity create") await perform(first);
  for (const step of await missingIdentitySteps(backend, repository, identity)) await perform(step);
}

/** The id with which jobs sign in as an identity. */
export async function clientIdOf({ resourceGroup, subscriptionId }: StateBackend, name: string): Promise<string> {
  const options = { name, "resource-group": resourceGroup, subscription: subscriptionId };
  return identityType.parse(await az({ command: "identity show", options })).clientId;
}

const identityType = z.object({ principalId: z.string(), clientId: z.string() });

/** An identity as Azure knows it; nothing where it is not there. */
async function principalOf({ resourceGroup, subscriptionId }: StateBackend, { name }: Identity) {
  const options = { name, "resource-group": resourceGroup, subscription: subscriptionId };
  return identityType.optional().parse(await azIfThere({ command: "identity show", options }));
}

/** The name of the credential with which the jobs of a workflow are an identity. */
const credentialOf = ({ environment }: Identity, workflow: string): string =>
  `github-${environment}-${workflow.toLowerCase().replaceAll(" ", "-")}`;

const credentialType = z.looseObject({ subject: z.string(), issuer: z.string(), audiences: z.array(z.string()) });
type Credential = z.infer<typeof credentialType>;
const namedCredentialType = credentialType.extend({ name: z.string() });

/** Whether those whom a credential lets in are jobs of GitHub, which tells Azure so: issuer and audience are what is meant. */
const isOfJobs = ({ issuer, audiences }: Credential): boolean =>
  issuer === ISSUER && audiences.every((audience) => audience === AUDIENCE);

const subjectsOfJobs = (credentials: readonly Credential[]): ReadonlySet<string> =>
  new Set(credentials.filter(isOfJobs).map(({ subject }) => subject));

/** What lets anybody be an identity. */
async function credentialsOf({ resourceGroup, subscriptionId }: StateBackend, { name }: Identity) {
  const options = { "identity-name": name, "resource-group": resourceGroup, subscription: subscriptionId };
  const found = await az({ command: "identity federated-credential list", options });
  return z.array(credentialType).parse(found);
}

/** Azure tells no name of a role that is defined where whoever asks may not look. */
const rolesType = z.array(
  z.object({
    id: z.string(),
    scope: z.string(),
    roleDefinitionName: z.string().nullish(),
    condition: z.string().nullish(),
  }),
);

/** A role and where it counts, in a spelling that is Azure's as well as ours. */
const spelt = (name: string, scope: string): string => `${name} ${scope}`.toLowerCase();
const keyOf = ({ name, on }: Role, backend: StateBackend): string => spelt(name, placeOf(on, backend).scope);

async function rolesOf({ subscriptionId }: StateBackend, principalId: string) {
  const options = { assignee: principalId, all: [], "fill-principal-name": false, subscription: subscriptionId };
  const found = rolesType.parse(await az({ command: "role assignment list", options }));
  return found.map((role) => ({ ...role, key: spelt(role.roleDefinitionName ?? "", role.scope) }));
}
