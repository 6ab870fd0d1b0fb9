/** What GitHub shows of reviews: a step's result, comments on a pull request, an issue for drift. */
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

/** What a plan comes to. */
export type PlanResult = "none" | "changes" | "second-look";

/** The results of `order-tracking plan` by their exit codes; every other code is an error. */
export const RESULTS: Readonly<Record<number, PlanResult>> = { 0: "none", 2: "changes", 3: "second-look" };

/** Variables that GitHub gives to a step. */
export type StepVariables = Readonly<Record<string, string | undefined>>;

/** Shows a review in the step's summary, and hands its result to later steps; outside of GitHub nothing happens. */
export function tellStep(result: PlanResult, folder: string, variables: StepVariables): void {
  handOut(result, () => reviewIn(folder), variables);
}

function handOut(result: PlanResult, text: () => string, variables: StepVariables): void {
  const { GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary } = variables;
  if (output) appendFileSync(output, `result=${result}\n`);
  if (summary) appendFileSync(summary, `${text()}\n`);
}

/**
 * Where a branch has a newer commit than the one that a step works on, says so in the step's summary, and hands out that
 * there is nothing to apply: what was merged later has a run of its own, which may have been deployed already.
 */
export async function isSuperseded(github: Github, branch: string, variables: StepVariables): Promise<boolean> {
  const { GITHUB_SHA: commit } = variables;
  const { sha } = z.object({ sha: z.string() }).parse(await github.ask("GET", `/commits/heads/${branch}`));
  if (sha === commit) return false;
  const text =
    `Nothing is planned and nothing applied: ${commit} is not the newest commit of ${branch}, which is ${sha}. ` +
    `That one has a run of its own; if it has none, start this workflow by hand on ${branch}.`;
  console.log(text);
  handOut("none", () => text, variables);
  return true;
}

/** @throws Error where a folder does not hold exactly one review */
export function reviewIn(folder: string): string {
  const files = readdirSync(folder).filter((file) => file.endsWith(".md"));
  const [file, ...others] = files;
  if (file === undefined || others.length > 0) throw new Error(`${folder} holds ${files.length} reviews, not one`);
  return readFileSync(path.join(folder, file), "utf8");
}

/** How many entries GitHub lists on a page at most. */
const PAGE = 100;

/** The interface of GitHub, for one repository. */
export class Github {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** @throws Error where a variable is missing that says which repository, or who asks */
  constructor(variables: StepVariables) {
    const {
      GITHUB_REPOSITORY: repository,
      GITHUB_TOKEN: token,
      GITHUB_API_URL: api = "https://api.github.com",
    } = variables;
    if (!repository || !token) throw new Error("set GITHUB_REPOSITORY (owner/name) and GITHUB_TOKEN");
    this.#url = `${api}/repos/${repository}`;
    this.#headers = {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "x-github-api-version": "2022-11-28",
    };
  }

  /** @throws Error with what GitHub said */
  async ask(method: string, asked: string, body?: object): Promise<unknown> {
    const response = await fetch(this.#url + asked, {
      method,
      headers: this.#headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`GitHub refused ${method} ${asked} (${response.status}): ${text}`);
    return JSON.parse(text);
  }

  /** All pages of a list. */
  async list<Entry>(asked: string, type: z.ZodType<Entry>): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    for (let page = 1; ; page += 1) {
      const next = `${asked}${asked.includes("?") ? "&" : "?"}per_page=${PAGE}&page=${page}`;
      const more = z.array(type).parse(await this.ask("GET", next));
      entries.push(...more);
      if (more.length < PAGE) return entries;
    }
  }
}

const commentType = z.object({
  id: z.number(),
  body: z.string().nullish(),
  user: z.object({ type: z.string() }).nullish(),
});

/** How much of a commit's hash GitHub shows. */
const SHORT_HASH = 7;
const MARKER = /^<!-- order-tracking (.+?) -->/;
const marked = (name: string, text: string) => `<!-- order-tracking ${name} -->\n${text}`;

/**
 * Shows each review in a comment of its own on a pull request; a comment that is there already is updated.
 *
 * A comment whose review is missing now says so, rather than go on showing that of an older commit. Each names its commit:
 * until a run has ended, or where it is cancelled, the comments are those of the run before.
 *
 * @param commit what the reviews are of, by its hash
 * @param reviews by their names, such as those of environments
 */
export async function commentReviews(
  github: Github,
  pullRequest: number,
  commit: string,
  reviews: ReadonlyMap<string, string>,
): Promise<void> {
  const shortCommit = `\`${commit.slice(0, SHORT_HASH)}\``;
  const comments = await github.list(`/issues/${pullRequest}/comments`, commentType);
  const ours = new Map(
    comments
      // Anybody can write a marker; only a workflow is a bot.
      .filter(({ user }) => user?.type === "Bot")
      .flatMap(({ id, body }) => {
        const name = MARKER.exec(body ?? "")?.[1];
        return name === undefined ? [] : [[name, id] as const];
      }),
  );
  for (const [name, review] of reviews) {
    const id = ours.get(name);
    const body = { body: marked(name, `Of commit ${shortCommit}:\n\n${review}`) };
    if (id === undefined) await github.ask("POST", `/issues/${pullRequest}/comments`, body);
    else await github.ask("PATCH", `/issues/comments/${id}`, body);
  }
  for (const [name, id] of ours) {
    if (reviews.has(name)) continue;
    const outdated = `There is no ${name} of commit ${shortCommit}: its plan failed, as the checks tell.`;
    await github.ask("PATCH", `/issues/comments/${id}`, { body: marked(name, outdated) });
  }
}

/** GitHub lists pull requests among the issues: what has this field is one of them. */
const issueType = z.object({ number: z.number(), state: z.string(), pull_request: z.unknown().optional() });

/** Keeps one issue for an environment's drift: open with the review while there is any, and closed otherwise. */
export async function trackDrift(
  github: Github,
  environment: string,
  result: PlanResult,
  review: string,
): Promise<"opened" | "updated" | "closed" | "nothing"> {
  const label = `drift-${environment}`;
  const labelled = await github.list(`/issues?state=all&labels=${label}`, issueType);
  const issue = labelled.find(({ pull_request: pullRequest }) => pullRequest === undefined);
  if (result === "none") {
    if (issue?.state !== "open") return "nothing";
    await github.ask("PATCH", `/issues/${issue.number}`, { state: "closed", state_reason: "completed" });
    return "closed";
  }
  if (issue === undefined) {
    await github.ask("POST", "/issues", {
      title: `${environment} is not as it was deployed`,
      body: review,
      labels: [label],
    });
    return "opened";
  }
  await github.ask("PATCH", `/issues/${issue.number}`, { state: "open", body: review });
  return issue.state === "open" ? "updated" : "opened";
}
