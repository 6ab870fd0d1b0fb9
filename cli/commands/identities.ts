/** `order-tracking identities`: makes the identities with which workflows on GitHub sign in to Azure. */
import { commandLine } from "../../deploy/azure-cli.ts";
import type { Step } from "../../deploy/create-state-backend.ts";
import {
  clientIdOf,
  credentialsBeyond,
  identitiesOf,
  makeIdentity,
  missingIdentitySteps,
  prefixCommand,
  repositoryInSubjects,
  repositoryOf,
  rolesBeyond,
  subjectCommand,
} from "../../deploy/identities.ts";
import { readStateBackend } from "../../deploy/state-backend.ts";
import { findWorkspace, readWorkspaceId } from "../../deploy/workspace.ts";
import { SANDBOX_HOME, SANDBOX_RESOURCE_GROUP } from "../../environments/sandbox.ts";
import { agreed } from "../agreed.ts";
import { parseArguments, UsageError } from "../arguments.ts";
import { readSynthesized } from "../read-synthesized.ts";

export const usage = `Usage: npm run -s order-tracking -- identities ENVIRONMENT [--subject-prefix PREFIX] [--yes]

Makes what lets the workflows of the environment's sourceRepository sign in without a secret: an identity that in Azure
can only read, for plans, one that applies, and, for ${SANDBOX_HOME}, one for sandboxes; each only for the workflows and the GitHub
environment that it is meant for. Those that deploy may give no roles but those of the stacks. Shows what is missing and
asks first; what is there already is left alone. Roles that they have and whoever may be them without being meant to are
shown with the commands that take them away, or put a narrower role in their place. Then prints the commands that tell
GitHub of them, and of the workspace once it is there, and the one that asks it for PREFIX. Uses the Azure CLI as you signed
in to it. It takes Owner, or Contributor and User Access Administrator, on the subscription.

  --subject-prefix  what GitHub begins the subjects of the repository's jobs with, where that is not repo:OWNER/REPO: give
                    it each time
  --yes             do not ask
`;

/** Makes what is missing, once the person agrees. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments({
    args: [...args],
    allowPositionals: true,
    options: { "subject-prefix": { type: "string" }, yes: { type: "boolean", default: false } },
  });
  const [environment, ...rest] = positionals;
  if (environment === undefined || rest.length > 0) throw new UsageError("give one environment");
  const { backend, workspaceId } = await readSynthesized(environment, (directory) => ({
    backend: readStateBackend(directory, environment),
    workspaceId: readWorkspaceId(directory, environment),
  }));
  const repository = repositoryOf(backend.tags["source-repository"] ?? "");
  const inSubjects = repositoryInSubjects(values["subject-prefix"] ?? `repo:${repository}`, repository);
  const identities = identitiesOf(environment, environment === SANDBOX_HOME, SANDBOX_RESOURCE_GROUP);
  const missing = await Promise.all(
    identities.map(async (identity) => ({
      identity,
      steps: await missingIdentitySteps(backend, inSubjects, identity),
    })),
  );
  for (const identity of identities) {
    const beyond = [
      ...(await rolesBeyond(backend, identity)),
      ...(await credentialsBeyond(backend, inSubjects, identity)),
    ];
    if (beyond.length === 0) continue;
    console.log(`${identity.name} is not trusted with just what is meant. Take away what was not given for a reason:`);
    showSteps(beyond);
  }
  const unfinished = missing.filter(({ steps }) => steps.length > 0);
  if (unfinished.length > 0) {
    console.log(`Missing for the workflows of ${repository}:`);
    for (const { identity, steps } of unfinished) {
      console.log(identity.name);
      showSteps(steps);
    }
    if (!(await agreed("Do this?", !values.yes))) return 1;
    for (const { identity } of unfinished) {
      await makeIdentity(backend, inSubjects, identity, (line) => {
        console.log(line);
      });
    }
  } else console.log("All of it is there.");
  console.log(
    `Azure now takes the word of jobs whose subjects begin with repo:${inSubjects}. GitHub may begin them otherwise, as for a\n` +
      "repository that was made, renamed or moved since 15 July 2026; then none can sign in. If this prints something else,\n" +
      "run this command again with --subject-prefix and that:",
  );
  console.log(`  ${prefixCommand(repository)}`);
  console.log(
    "On GitHub, whoever administers the repository says once that jobs name their workflow, and who they are:",
  );
  console.log(`  ${subjectCommand(repository)}`);
  const workspace = await findWorkspace(workspaceId, backend.subscriptionId);
  for (const { name, environment: of } of identities) {
    const set = (variable: string, value: string) => {
      console.log(`  gh variable set ${variable} --repo ${repository} --env ${of} --body ${value}`);
    };
    set("AZURE_CLIENT_ID", await clientIdOf(backend, name));
    if (workspace) set("DATABRICKS_HOST", workspace.url);
  }
  if (!workspace) {
    console.log(
      `Once ${environment} is deployed, ask again: DATABRICKS_HOST is its workspace, which is not there yet.`,
    );
  }
  return 0;
}

function showSteps(steps: readonly Step[]): void {
  for (const { what, call } of steps) console.log(`  ${what}\n      ${commandLine(call)}`);
}
