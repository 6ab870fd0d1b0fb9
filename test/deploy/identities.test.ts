import path from "node:path";
import { az, commandLine } from "../../deploy/azure-cli.ts";
import {
  credentialsBeyond,
  identitiesOf,
  makeIdentity,
  missingIdentitySteps,
  NARROW_ROLES_ONLY,
  repositoryInSubjects,
  repositoryOf,
  rolesBeyond,
  subjectOf,
} from "../../deploy/identities.ts";
import { missingSteps, perform } from "../../deploy/create-state-backend.ts";
import { NARROW_ROLES } from "../../environments/narrow-roles.ts";
import { BUILT_IN } from "../cloud/azure/roles.ts";
import { type Cloud, startCloud, SUBSCRIPTION_ID } from "../cloud/cloud.ts";
import { reply } from "../cloud/http.ts";

jest.setTimeout(60_000); // On a busy machine.
// There are hundreds of calls, and that a program is started for each is tested with the commands.
jest.mock("../../deploy/az-process.ts", () => jest.requireActual<object>("../cloud/az-without-process.ts"));

const BACKEND = {
  subscriptionId: SUBSCRIPTION_ID,
  location: "westeurope",
  tags: { owner: "Jo and Ann" },
  resourceGroup: "rg-state",
  storageAccount: "ordertrackstatedev",
  container: "tfstate",
};
const REPOSITORY = "example/order-tracking";
const GITHUB = "https://token.actions.githubusercontent.com";
const AZURE = "api://AzureADTokenExchange";
const before = process.env;
let cloud: Cloud;
let stateSteps: Awaited<ReturnType<typeof missingSteps>>;

beforeAll(async () => {
  cloud = await startCloud();
  process.env = { ...before, ...cloud.variables() };
  stateSteps = await missingSteps(BACKEND);
  for (const step of stateSteps) await perform(step);
});
afterAll(async () => {
  process.env = before;
  await cloud.close();
});

/** What lets whoever has a subject be an identity, as somebody makes it by hand. */
const addCredential = (identity: string, name: string, subject: string, issuer = GITHUB, audience = AZURE) => {
  const type = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";
  const owner = ofType("").find((each) => each.name === identity);
  const id = `${String(owner?.id)}/federatedIdentityCredentials/${name}`;
  // The command line tells the name beside the properties.
  cloud.arm.set({ id, name, type, properties: { name, issuer, subject, audiences: [audience] } });
};
const ofType = (type: string) => cloud.arm.ofType(`Microsoft.ManagedIdentity/userAssignedIdentities${type}`);

it("makes an identity with its roles, only for the workflows and the environment that it is for, and only once", async () => {
  const [plan] = identitiesOf("dev", true);
  if (!plan) throw new Error("there is no identity");
  const said: string[] = [];

  const asked = await missingIdentitySteps(BACKEND, REPOSITORY, plan);
  await makeIdentity(BACKEND, REPOSITORY, plan, (line) => said.push(line));

  expect(said).toEqual(asked.map(({ what }) => `done: ${what}`));
  const [identity] = ofType("");
  expect(identity?.tags).toEqual({ owner: "Jo and Ann" });
  expect(ofType("/federatedIdentityCredentials").map(({ properties }) => properties.subject)).toEqual(
    ["Pull request", "Deploy", "Drift"].map(
      (workflow) => `repo:example/order-tracking:environment:dev-plan:workflow:${workflow}`,
    ),
  );
  const roles = cloud.arm
    .ofType("Microsoft.Authorization/roleAssignments")
    .filter(({ properties }) => properties.principalId === identity?.properties.principalId);
  expect(roles.map(({ properties }) => path.basename(String(properties.scope)))).toEqual([SUBSCRIPTION_ID, "tfstate"]);
  expect(await missingIdentitySteps(BACKEND, REPOSITORY, plan)).toEqual([]);
});

it("gives the identity of sandboxes rights in their resource group only, where they share one", async () => {
  const [, , sandboxes] = identitiesOf("dev", true, "rg-sandboxes");
  if (!sandboxes) throw new Error("there is no identity");

  const missing = await missingIdentitySteps(BACKEND, REPOSITORY, sandboxes);

  expect(missing.map(({ what }) => what).filter((what) => what.startsWith("give it"))).toEqual([
    "give it the role Contributor on the resource group rg-sandboxes",
    "give it the role Role Based Access Control Administrator on the resource group rg-sandboxes, limited to the roles that the stacks give",
    "give it the role Storage Blob Data Contributor on the states",
    "give it the role Reader on the subscription",
  ]);
  expect(missing.at(-4)?.call.options.scope).toBe(`/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/rg-sandboxes`);
});

it("tells the roles that an identity has from before it was meant to have fewer, and how to take them away", async () => {
  const [, , wide] = identitiesOf("dev", true);
  const [, , narrow] = identitiesOf("dev", true, "rg-sandboxes");
  if (!wide || !narrow) throw new Error("there is no identity");
  expect(await rolesBeyond(BACKEND, wide)).toEqual([]);
  await makeIdentity(BACKEND, REPOSITORY, wide, () => undefined);

  expect(await rolesBeyond(BACKEND, wide)).toEqual([]);
  const beyond = await rolesBeyond(BACKEND, narrow);
  expect(beyond.map(({ what }) => what)).toEqual([
    `the role Contributor on /subscriptions/${SUBSCRIPTION_ID}`,
    `the role Role Based Access Control Administrator on /subscriptions/${SUBSCRIPTION_ID}`,
  ]);

  for (const { call } of beyond) await az(call);
  expect(await rolesBeyond(BACKEND, narrow)).toEqual([]);
});

it("tells first how to unlock the state's account, once, where Azure would keep the roles on it", async () => {
  const [, apply] = identitiesOf("lab", false);
  if (!apply) throw new Error("there is no identity");
  const more = ["Reader", "Storage Blob Data Reader"].map((name) => ({ name, on: "state" as const }));
  const wide = { ...apply, roles: [...apply.roles, ...more] };
  await makeIdentity(BACKEND, REPOSITORY, wide, () => undefined);
  const [role] = cloud.arm.ofType("Microsoft.Authorization/roleAssignments").slice(-1);
  const [account] = String(role?.properties.scope).split("/blobServices/");
  cloud.arm.patch(role?.id ?? "", { scope: account });
  const beyond = await rolesBeyond(BACKEND, apply);

  const lock = stateSteps.find(({ call }) => call.command === "lock create");
  const { "lock-type": level, ...locked } = lock?.call.options ?? {};
  expect(level).toBe("CanNotDelete");
  expect(beyond.map(({ call }) => call.command)).toEqual([
    "lock delete",
    "role assignment delete",
    "role assignment delete",
  ]);
  expect(beyond[0]?.call.options).toEqual({ ...locked, subscription: SUBSCRIPTION_ID });
  expect(beyond[0]?.what).toContain("the command state puts it back");
});

it("lets whoever deploys give nobody but services a role, and none but those of the stacks", () => {
  expect(BUILT_IN).toMatchObject(NARROW_ROLES);
  const ids = Object.values(NARROW_ROLES).join(", ");
  const [type, services] = ["Microsoft.Authorization/roleAssignments", "StringEqualsIgnoreCase {'ServicePrincipal'}"];
  expect(NARROW_ROLES_ONLY).toBe(
    `((!(ActionMatches{'${type}/write'})) OR (@Request[${type}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${ids}} ` +
      `AND @Request[${type}:PrincipalType] ForAnyOfAnyValues:${services})) AND ` +
      `((!(ActionMatches{'${type}/delete'})) OR (@Resource[${type}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {${ids}} ` +
      `AND @Resource[${type}:PrincipalType] ForAnyOfAnyValues:${services}))`,
  );
  const [, apply, sandboxes] = identitiesOf("dev", true);
  for (const identity of [apply, sandboxes]) {
    const administrator = identity?.roles.find(({ name }) => name === "Role Based Access Control Administrator");
    expect(administrator?.condition).toBe(NARROW_ROLES_ONLY);
  }
});

it("tells a role that is not held to its condition, and how to replace it by one that is", async () => {
  const [, apply] = identitiesOf("uk", false);
  if (!apply) throw new Error("there is no identity");
  await makeIdentity(BACKEND, REPOSITORY, apply, () => undefined);
  const ours = ofType("").find(({ name }) => name === apply.name)?.properties.principalId;
  const administrators = () =>
    cloud.arm
      .ofType("Microsoft.Authorization/roleAssignments")
      .filter(({ properties }) => properties.principalId === ours && properties.condition !== undefined);
  const [role] = administrators();
  expect(role?.properties).toMatchObject({ condition: NARROW_ROLES_ONLY, conditionVersion: "2.0" });
  cloud.arm.patch(role?.id ?? "", { condition: `${NARROW_ROLES_ONLY.replaceAll(" OR ", "\n OR \n")}\n` });
  expect(await rolesBeyond(BACKEND, apply)).toEqual([]);
  cloud.arm.patch(role?.id ?? "", { condition: NARROW_ROLES_ONLY.replaceAll(/, [\w-]+\}/g, "}") });
  const [ofFewerRoles] = await rolesBeyond(BACKEND, apply);
  cloud.arm.patch(role?.id ?? "", { condition: undefined });

  expect(await missingIdentitySteps(BACKEND, REPOSITORY, apply)).toEqual([]);
  const beyond = await rolesBeyond(BACKEND, apply);

  const name = "the role Role Based Access Control Administrator on";
  expect(ofFewerRoles?.what).toBe(
    `${name} /subscriptions/${SUBSCRIPTION_ID}, limited to other roles than the stacks give now`,
  );
  expect(beyond.map(({ what }) => what)).toEqual([
    `${name} /subscriptions/${SUBSCRIPTION_ID}, not limited to the roles that the stacks give`,
    `give it ${name} the subscription, limited to the roles that the stacks give`,
  ]);
  for (const { call } of beyond) await az(call);
  expect(administrators()).toHaveLength(1);
  expect(await rolesBeyond(BACKEND, apply)).toEqual([]);
});

it("tells a role of which Azure does not tell the name", async () => {
  const [, apply] = identitiesOf("ca", false);
  if (!apply) throw new Error("there is no identity");
  await makeIdentity(BACKEND, REPOSITORY, apply, () => undefined);
  const [role] = cloud.arm.ofType("Microsoft.Authorization/roleAssignments").slice(-1);
  const definition = String(role?.properties.roleDefinitionId);
  cloud.fault = ({ path }) => (path === definition ? reply(200, { id: definition, properties: {} }) : undefined);

  const [, ...beyond] = await rolesBeyond(BACKEND, apply);

  cloud.fault = undefined;
  expect(beyond.map(({ what, call }) => [what, call.options.ids])).toEqual([
    [`a role whose name Azure does not tell on ${String(role?.properties.scope)}`, role?.id],
  ]);
});

it("tells who may be an identity and is not meant to, whoever vouches for it, and how to keep it from that", async () => {
  const [, apply] = identitiesOf("qa", false);
  if (!apply) throw new Error("there is no identity");
  expect(await credentialsBeyond(BACKEND, REPOSITORY, apply)).toEqual([]);
  await makeIdentity(BACKEND, REPOSITORY, apply, () => undefined);
  expect(await credentialsBeyond(BACKEND, REPOSITORY, apply)).toEqual([]);
  addCredential(apply.name, "by-hand", "repo:example/order-tracking:environment:qa");
  addCredential(apply.name, "cluster", subjectOf(REPOSITORY, "qa", "Deploy"), "https://oidc.example.com");
  addCredential(apply.name, "elsewhere", subjectOf(REPOSITORY, "qa", "Deploy"), GITHUB, "https://github.com/example");

  const beyond = await credentialsBeyond(BACKEND, REPOSITORY, apply);

  const deleting = (name: string) =>
    `az identity federated-credential delete --name ${name} --identity-name id-order-tracking-qa-apply ` +
    `--resource-group rg-state --subscription ${SUBSCRIPTION_ID}`;
  const deploy = "repo:example/order-tracking:environment:qa:workflow:Deploy";
  expect(beyond.map(({ what, call }) => [what, commandLine(call)])).toEqual([
    ["the jobs of repo:example/order-tracking:environment:qa", deleting("by-hand")],
    [`whoever https://oidc.example.com calls ${deploy}, for the audience ${AZURE}`, deleting("cluster")],
    [`whoever ${GITHUB} calls ${deploy}, for the audience https://github.com/example`, deleting("elsewhere")],
  ]);
});

it("does not take a credential of another issuer or audience for the one that is meant", async () => {
  const [plan] = identitiesOf("ch", false);
  if (!plan) throw new Error("there is no identity");
  await makeIdentity(BACKEND, REPOSITORY, { ...plan, workflows: ["Drift"] }, () => undefined);
  addCredential(plan.name, "cluster", subjectOf(REPOSITORY, "ch-plan", "Pull request"), "https://oidc.example.com");
  addCredential(
    plan.name,
    "elsewhere",
    subjectOf(REPOSITORY, "ch-plan", "Deploy"),
    GITHUB,
    "https://github.com/example",
  );

  const missing = await missingIdentitySteps(BACKEND, REPOSITORY, plan);

  expect(missing.map(({ what }) => what)).toEqual(
    ["Pull request", "Deploy"].map(
      (workflow) => `let the workflow "${workflow}" be it, in the environment ch-plan of example/order-tracking`,
    ),
  );
});

it("puts the subject with ids in the place of the one without, and takes it for what is meant", async () => {
  const [, apply] = identitiesOf("nl", false);
  if (!apply) throw new Error("there is no identity");
  await makeIdentity(BACKEND, REPOSITORY, apply, () => undefined);
  const inSubjects = repositoryInSubjects("repo:example@12/order-tracking@345", REPOSITORY);

  await makeIdentity(BACKEND, inSubjects, apply, () => undefined);

  const credentials = ofType("/federatedIdentityCredentials").filter(({ id }) => id.includes(`/${apply.name}/`));
  expect(credentials.map(({ properties }) => properties.subject)).toEqual([
    "repo:example@12/order-tracking@345:environment:nl:workflow:Deploy",
  ]);
  expect(await missingIdentitySteps(BACKEND, inSubjects, apply)).toEqual([]);
  expect(await credentialsBeyond(BACKEND, inSubjects, apply)).toEqual([]);
});

it("tells of no job whose credential is written over once what is missing is made", async () => {
  const [, apply] = identitiesOf("uat", false);
  if (!apply) throw new Error("there is no identity");
  await makeIdentity(BACKEND, "example/old-name", apply, () => undefined);
  const credentials = ofType("/federatedIdentityCredentials").filter(({ id }) => id.includes(`/${apply.name}/`));
  for (const { id, name } of credentials) cloud.arm.patch(id, { name });

  expect(await credentialsBeyond(BACKEND, REPOSITORY, apply)).toEqual([]);
  await makeIdentity(BACKEND, REPOSITORY, apply, () => undefined);
  expect(cloud.arm.get(credentials[0]?.id ?? "")?.properties.subject).toBe(
    "repo:example/order-tracking:environment:uat:workflow:Deploy",
  );
});

it("tells the jobs of a credential that has a name that is meant, where nothing writes over it", async () => {
  const [, apply] = identitiesOf("eu", false);
  if (!apply) throw new Error("there is no identity");
  await makeIdentity(BACKEND, REPOSITORY, apply, () => undefined);
  addCredential(apply.name, "by-hand", subjectOf(REPOSITORY, "eu", "Deploy"));
  addCredential(apply.name, "github-eu-deploy", "repo:example/order-tracking:environment:eu");

  expect(await missingIdentitySteps(BACKEND, REPOSITORY, apply)).toEqual([]);
  const beyond = await credentialsBeyond(BACKEND, REPOSITORY, apply);

  expect(beyond.map(({ what, call }) => [what, call.options.name])).toEqual([
    ["the jobs of repo:example/order-tracking:environment:eu", "github-eu-deploy"],
  ]);
});

it("mends what is missing, and leaves the rest alone", async () => {
  const [plan] = identitiesOf("dev", true);
  if (!plan) throw new Error("there is no identity");
  const renamed = { ...plan, workflows: ["Pull request", "Deploy", "Drift", "Weekly"] };

  const missing = await missingIdentitySteps(BACKEND, REPOSITORY, renamed);

  expect(missing.map(({ what }) => what)).toEqual([
    'let the workflow "Weekly" be it, in the environment dev-plan of example/order-tracking',
  ]);
});

it("lets nobody write who plans, and nobody be two of them", () => {
  const all = ["dev", "staging", "prod"].flatMap((environment) => identitiesOf(environment, environment === "dev"));
  const subjects = all.flatMap(({ environment, workflows }) =>
    workflows.map((workflow) => subjectOf(REPOSITORY, environment, workflow)),
  );
  expect(new Set(subjects).size).toBe(subjects.length);
  const planning = all.filter(({ name }) => name.endsWith("-plan"));
  expect(planning.flatMap(({ roles }) => roles.map(({ name }) => name)).every((role) => role.endsWith("Reader"))).toBe(
    true,
  );
  expect(all.map(({ name }) => name)).toContain("id-order-tracking-dev-sandbox");
  expect(all.map(({ name }) => name)).not.toContain("id-order-tracking-prod-sandbox");
});

it.each([
  ["https://github.com/example/order-tracking", REPOSITORY],
  ["https://github.com/example/order-tracking.git", REPOSITORY],
])("reads the repository of %s", (url, repository) => {
  expect(repositoryOf(url)).toBe(repository);
});

it.each(["https://dev.azure.com/example/_git/order-tracking", "", "https://github.com/example"])(
  "refuses %p, which is no repository of GitHub",
  (url) => {
    expect(() => repositoryOf(url)).toThrow(`sourceRepository is ${url}: workflows of GitHub need one`);
  },
);

it.each([
  ["repo:example/order-tracking", "example/order-tracking"],
  ["repo:example@12/order-tracking@345", "example@12/order-tracking@345"],
  ["repo:Example@12/Order-Tracking@345", "Example@12/Order-Tracking@345"],
])("reads the repository in subjects that begin with %s", (prefix, repository) => {
  expect(repositoryInSubjects(prefix, REPOSITORY)).toBe(repository);
});

it.each([
  "",
  "example/order-tracking",
  "repo:example@12/other@345",
  "repo:example@12/order-tracking@345:environment:dev",
  "repo:example/order-tracking/345",
  "repo:example@own/order-tracking@345",
  "repository_owner_id:12:repository_id:345",
])("refuses %p, with which no subject of the repository begins", (prefix) => {
  expect(() => repositoryInSubjects(prefix, REPOSITORY)).toThrow(
    `"${prefix}" begins no subject of example/order-tracking, as repo:OWNER/REPO or repo:OWNER@ID/REPO@ID of it would: ` +
      "give what this prints: gh api repos/example/order-tracking/actions/oidc/customization/sub --jq .sub_claim_prefix",
  );
});
