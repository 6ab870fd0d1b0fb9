import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { run } from "../../cli/commands/github.ts";
import { commentReviews, Github, isSuperseded, reviewIn, tellStep, trackDrift } from "../../deploy/github.ts";
import { asMarkdown, COMMENT_LIMIT } from "../../review/markdown.ts";
import { review } from "../../review/review.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { change, plan } from "../review/made-up.ts";

/** A repository as far as its issues and their comments go. */
interface Repository {
  newest?: string;
  comments: { id: number; body: string; user: { type: string } }[];
  issues: { number: number; state: string; body: string; title: string; labels: string[]; pull_request?: object }[];
  tokens: Set<string>;
}

let repository: Repository;
let server: Server;
let variables: Record<string, string>;
const folder = temporaryFolder();
const before = process.env;
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const NEXT_COMMIT = "89abcdef0123456789abcdef0123456789abcdef";

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (data: Buffer) => (text += data.toString()));
    request.on("end", () => {
      repository.tokens.add(request.headers.authorization ?? "");
      const answer = answerTo(`${request.method} ${request.url}`, text === "" ? {} : (JSON.parse(text) as object));
      response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? { message: "Not Found" }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  variables = {
    GITHUB_API_URL: `http://127.0.0.1:${port}`,
    GITHUB_REPOSITORY: "example/order-tracking",
    GITHUB_TOKEN: "a-token",
  };
});
beforeEach(() => {
  process.env = { ...before, ...variables, COMMIT };
  repository = { comments: [], issues: [], tokens: new Set() };
});
afterAll(() => {
  process.env = before;
  server.closeAllConnections();
  server.close();
});

function answerTo(asked: string, body: Partial<Repository["issues"][number]>): unknown {
  if (asked === "GET /repos/example/order-tracking/commits/heads/main") return { sha: repository.newest };
  const at = "/repos/example/order-tracking/issues";
  const [, list, page = "1"] = /^GET .*\/(issues\?|7\/comments\?).*page=(\d+)$/.exec(asked) ?? [];
  if (list === "7/comments?") return repository.comments.slice((Number(page) - 1) * 100, Number(page) * 100);
  if (list === "issues?") {
    const label = /labels=([\w-]+)/.exec(asked)?.[1] ?? "";
    return repository.issues.filter(({ labels }) => labels.includes(label));
  }
  if (asked === `POST ${at}/7/comments`) {
    repository.comments.push({ id: 1000 + repository.comments.length, body: body.body ?? "", user: { type: "Bot" } });
    return {};
  }
  if (asked === `POST ${at}`) {
    repository.issues.push({
      number: 40 + repository.issues.length,
      state: "open",
      ...body,
    } as Repository["issues"][0]);
    return {};
  }
  const [, id = ""] = /^PATCH .*\/issues\/(?:comments\/)?(\d+)$/.exec(asked) ?? [];
  const found = [...repository.comments, ...repository.issues].find(
    (each) => ("id" in each ? each.id : each.number) === Number(id),
  );
  return found && Object.assign(found, body);
}

/** Writes reviews as the artefacts of a run are laid out. */
function reviewsIn(name: string, reviews: Readonly<Record<string, string>>): string {
  const root = path.join(folder, name);
  for (const [environment, review] of Object.entries(reviews)) {
    mkdirSync(path.join(root, environment), { recursive: true });
    writeFileSync(path.join(root, environment, "review.md"), review);
  }
  return root;
}

it("writes a comment for each review, and updates it with the next commit", async () => {
  const folders = reviewsIn("first", { "review-dev": "one to add", "review-prod": "nothing" });
  expect(await run(["comment", folders, "--pull-request", "7"])).toBe(0);
  expect(repository.comments[0]?.body).toBe("<!-- order-tracking review-dev -->\nOf commit `0123456`:\n\none to add");

  await commentReviews(
    new Github(variables),
    7,
    NEXT_COMMIT,
    new Map(Object.entries({ "review-dev": "two", "review-prod": "none" })),
  );

  expect(repository.comments.map(({ body }) => body)).toEqual([
    "<!-- order-tracking review-dev -->\nOf commit `89abcde`:\n\ntwo",
    "<!-- order-tracking review-prod -->\nOf commit `89abcde`:\n\nnone",
  ]);
  expect([...repository.tokens]).toEqual(["Bearer a-token"]);
});

it("writes a comment that GitHub takes, of the longest review of an environment with the longest of names", async () => {
  const name = "environment";
  const subnets = (count: number) =>
    [...Array(count).keys()].map((index) =>
      change({ address: `a.n${index}`, type: "azurerm_subnet", actions: ["create"], after: { name: 1000 + index } }),
    );
  const reviewOf = (count: number) => review(name, [{ stack: `${name}-platform`, json: plan(subnets(count)) }]);
  const [whole, next] = [2000, 2001].map((count) => asMarkdown(reviewOf(count), Infinity).length) as [number, number];
  const fitting = 2000 + Math.floor((COMMENT_LIMIT - whole) / (next - whole));

  // An entry is shorter than a marker: one of these would not leave room for it.
  for (const count of [fitting - 1, fitting, fitting + 1]) {
    await commentReviews(new Github(variables), 7, COMMIT, new Map([[`review-${name}`, asMarkdown(reviewOf(count))]]));
    const [{ body } = { body: "" }] = repository.comments;
    expect(body.length).toBeGreaterThan(COMMENT_LIMIT / 2);
    expect(body.length).toBeLessThanOrEqual(COMMENT_LIMIT);
  }
});

it("says that there is no review where no environment could be planned", async () => {
  repository.comments = [{ id: 1, body: "<!-- order-tracking review-dev -->\nold", user: { type: "Bot" } }];
  expect(await run(["comment", path.join(folder, "nothing was handed on"), "--pull-request", "7"])).toBe(0);
  expect(repository.comments[0]?.body).toContain("There is no review-dev of commit `0123456`");
});

it("finds its comment behind a hundred others, and leaves alone those of people that look like it", async () => {
  const others = Array.from({ length: 100 }, (_, id) => ({ id, body: "a remark", user: { type: "User" } }));
  const forged = { id: 500, body: "<!-- order-tracking review-dev -->\nall is well", user: { type: "User" } };
  const ours = { id: 501, body: "<!-- order-tracking review-dev -->\nold", user: { type: "Bot" } };
  repository.comments = [...others, forged, ours];

  await commentReviews(new Github(variables), 7, COMMIT, new Map(Object.entries({ "review-dev": "new" })));

  expect(repository.comments.slice(100)).toEqual([
    forged,
    { ...ours, body: "<!-- order-tracking review-dev -->\nOf commit `0123456`:\n\nnew" },
  ]);
});

it("does not go on showing the review of an older commit where the newest has none", async () => {
  repository.comments = [{ id: 1, body: "<!-- order-tracking review-prod -->\nold", user: { type: "Bot" } }];

  await commentReviews(new Github(variables), 7, COMMIT, new Map(Object.entries({ "review-dev": "new" })));

  expect(repository.comments[0]?.body).toContain("There is no review-prod of commit `0123456`: its plan failed");
});

it("keeps one issue for the drift of an environment: opened, updated, closed, opened again", async () => {
  const github = new Github(variables);
  const states = () => repository.issues.map(({ state, body }) => [state, body]);

  expect(await trackDrift(github, "dev", "none", "nothing")).toBe("nothing");
  expect(await trackDrift(github, "dev", "changes", "a tag")).toBe("opened");
  const ofProd = path.join(reviewsIn("drifted", { prod: "another's" }), "prod");
  expect(await run(["drift", "prod", ofProd, "--result", "changes"])).toBe(0);
  expect(await trackDrift(github, "dev", "second-look", "a container")).toBe("updated");
  expect(states()).toEqual([
    ["open", "a container"],
    ["open", "another's"],
  ]);
  expect(await trackDrift(github, "dev", "none", "nothing")).toBe("closed");
  expect(await trackDrift(github, "dev", "none", "nothing")).toBe("nothing");
  expect(await trackDrift(github, "dev", "changes", "a tag again")).toBe("opened");
  expect(states()).toEqual([
    ["open", "a tag again"],
    ["open", "another's"],
  ]);
});

it("leaves alone a pull request that has the label of the issue", async () => {
  const pullRequest = {
    ...{ number: 9, state: "open", body: "of a person", title: "a change", labels: ["drift-dev"] },
    pull_request: { url: "https://api.github.com/repos/example/order-tracking/pulls/9" },
  };
  repository.issues = [{ ...pullRequest }];

  expect(await trackDrift(new Github(variables), "dev", "none", "nothing")).toBe("nothing");
  expect(await trackDrift(new Github(variables), "dev", "changes", "a tag")).toBe("opened");

  expect(repository.issues).toMatchObject([pullRequest, { body: "a tag" }]);
});

it.each([
  [["comment", folder, "--pull-request", "7; rm"], "7; rm is no number of a pull request"],
  [["comment", folder], "give plan, comment or drift, and what it takes"],
  [["drift", "dev", folder, "--result", "some"], "some is no result of a plan"],
  [["plan", "dev"], "give plan, comment or drift, and what it takes"],
])("refuses %p", async (args, message) => {
  await expect(run(args)).rejects.toThrow(message);
});

it.each([undefined, "main"])("writes no comment that cannot name the commit it is of: %p", async (commit) => {
  process.env = { ...before, ...variables, ...(commit !== undefined && { COMMIT: commit }) };
  await expect(run(["comment", folder, "--pull-request", "7"])).rejects.toThrow(
    `COMMIT is "${commit ?? ""}", no hash of a commit`,
  );
});

it("is called by the workflow of a pull request with no option that the code of an older base refuses", () => {
  const workflow = readFileSync(path.join(__dirname, "../../.github/workflows/pull-request.yml"), "utf8");
  expect(/-- github comment .*/.exec(workflow)?.[0].match(/--\w\S*/g)).toEqual(["--pull-request"]);
  expect(workflow).toMatch(/^ +COMMIT: \$\{\{ github\.event\.pull_request\.head\.sha \}\}$/m);
});

it("says what GitHub said where it refuses", async () => {
  await expect(new Github(variables).ask("GET", "/nothing")).rejects.toThrow(
    'GitHub refused GET /nothing (404): {"message":"Not Found"}',
  );
  expect(() => new Github({})).toThrow("set GITHUB_REPOSITORY (owner/name) and GITHUB_TOKEN");
});

it("shows a review in the step's summary, hands out the result, and does neither outside of GitHub", () => {
  const [output, summary] = [path.join(folder, "output"), path.join(folder, "summary")];
  const reviews = path.join(reviewsIn("fifth", { dev: "# dev\n" }), "dev");

  tellStep("second-look", reviews, { GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary });
  tellStep("none", reviews, {});

  expect(readFileSync(output, "utf8")).toBe("result=second-look\n");
  expect(readFileSync(summary, "utf8")).toBe("# dev\n\n");
});

it("plans nothing of a commit after which another one was merged, and says so", async () => {
  const [output, summary] = [path.join(folder, "superseded output"), path.join(folder, "superseded summary")];
  Object.assign(process.env, { GITHUB_SHA: COMMIT, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary });
  repository.newest = COMMIT;
  expect(await isSuperseded(new Github(process.env), "main", process.env)).toBe(false);
  expect(existsSync(output)).toBe(false);

  repository.newest = NEXT_COMMIT;
  const said = jest.spyOn(console, "log").mockReturnValue();
  expect(await run(["plan", "dev", "--out", path.join(folder, "superseded"), "--newest-of", "main"])).toBe(0);
  expect(said).toHaveBeenCalledTimes(1);
  said.mockRestore();

  expect(readFileSync(output, "utf8")).toBe("result=none\n");
  expect(readFileSync(summary, "utf8")).toContain(`not the newest commit of main, which is ${NEXT_COMMIT}`);
  expect(existsSync(path.join(folder, "superseded"))).toBe(false);
});

it("takes nothing for a review where there are two, or none", () => {
  const reviews = path.join(reviewsIn("sixth", { dev: "one" }), "dev");
  writeFileSync(path.join(reviews, "other.md"), "two");
  expect(() => reviewIn(reviews)).toThrow("holds 2 reviews, not one");
  expect(() => reviewIn(folder)).toThrow("holds 0 reviews, not one");
});
