/** A stand-in for Azure and Databricks on loopback, strict enough that what it takes, they would take. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { Account, AUDIENCES, TENANT_ID } from "./account.ts";
import { Arm } from "./azure/arm.ts";
import { blobRoutes } from "./azure/blobs.ts";
import { databricksRoutes } from "./azure/databricks.ts";
import { groupRoutes } from "./azure/groups.ts";
import { runAz } from "./azure/command-line.ts";
import { lockRoutes } from "./azure/locks.ts";
import { CLIENT_SECRET, loginRoutes } from "./azure/login.ts";
import { neighbourRoutes } from "./azure/neighbours.ts";
import { networkRoutes } from "./azure/network.ts";
import { Roles } from "./azure/roles.ts";
import { storageRoutes } from "./azure/storage.ts";
import { makeCertificate } from "./certificate.ts";
import { UnityCatalog } from "./databricks/catalog.ts";
import { computeRoutes } from "./databricks/compute.ts";
import { fileRoutes } from "./databricks/files.ts";
import { JobRunner, type JobRunnerOptions } from "./databricks/job-runner.ts";
import { jobRunRoutes } from "./databricks/job-runs.ts";
import { jobRoutes, jobsOf } from "./databricks/jobs.ts";
import { notificationRoutes } from "./databricks/notifications.ts";
import { peopleRoutes } from "./databricks/people.ts";
import { permissionRoutes } from "./databricks/permissions.ts";
import { reportRoutes } from "./databricks/reports.ts";
import { volumeFileRoutes } from "./databricks/volume-files.ts";
import { Workspaces } from "./databricks/workspace.ts";
import { type Call, parseContent, Refusal, reply, type Reply, type Route, RouteTable, serviceAt } from "./http.ts";
import { Lake } from "./lake.ts";
import { pageOf } from "./page.ts";
import { Random } from "./random.ts";
import { openNetwork } from "./server.ts";
import { Store } from "./store.ts";

export const SUBSCRIPTION_ID = "11111111-2222-3333-4444-555555555555";
/** The service principal that deploys. */
export const DEPLOYER = "d0d0d0d0-0000-4000-8000-000000000001";

export interface CloudOptions {
  /** Repeats what chance decides: how late answers and roles are. */
  readonly seed?: number;
  /** The longest that an answer waits, in milliseconds. */
  readonly mostDelay?: number;
  /** The longest that a role takes until it is in effect, in milliseconds. */
  readonly latestRole?: number;
  readonly port?: number;
  /** What there is at first; by default next to nothing. */
  readonly store?: Store;
  /** Groups that the deployer is in. */
  readonly deployerIsIn?: readonly string[];
  /** How it runs jobs; by default it runs none. */
  readonly jobs?: JobRunnerOptions;
}

/** A request as it was answered. */
export interface Answered {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  /** Why it was refused. */
  readonly reason?: string;
  readonly content: string;
}

/** What happens to a request instead of its answer; nothing where there is no fault. */
export type Fault = (request: {
  readonly method: string;
  readonly host: string;
  readonly path: string;
}) => Reply | undefined;

/** Answers some of the requests, as chance has it, with an error that passes. */
export function passingErrors(seed: number, share: number): Fault {
  const random = new Random(seed);
  return ({ method, host, path: asking }) => {
    const service = serviceAt(host);
    const isHit = random.next(`fault ${method} ${host}${asking}`) < share;
    if (!isHit || service === "login") return undefined;
    // A workspace asks for patience; Azure also fails by itself.
    const status = service === "resource-manager" && random.next("which fault") < 0.5 ? 503 : 429;
    const [code, message] = ["TooManyRequests", "Try again a little later."];
    const body = service === "workspace" ? { error_code: code, message } : { error: { code, message } };
    return reply(status, body, { "retry-after": "0" });
  };
}

export class Cloud {
  readonly proxyUrl: string;
  readonly store: Store;
  readonly arm: Arm;
  readonly account: Account;
  readonly workspaces: Workspaces;
  readonly lake: Lake;
  readonly catalog: UnityCatalog;
  /** Every request since the start, in the order of the answers. */
  readonly answered: readonly Answered[];
  /** What nobody should have asked: other hosts, and routes that are not known. */
  readonly unknown: readonly string[];
  readonly #parts: Parts;
  readonly #close: () => Promise<void>;

  constructor(parts: Parts, proxyUrl: string, close: () => Promise<void>) {
    this.#parts = parts;
    this.proxyUrl = proxyUrl;
    this.#close = close;
    this.store = parts.store;
    this.arm = parts.arm;
    this.account = parts.account;
    this.workspaces = parts.workspaces;
    this.lake = parts.lake;
    this.catalog = parts.catalog;
    this.answered = parts.answered;
    this.unknown = parts.unknown;
  }

  /** Lets a fault happen from now on; without one, faults end. */
  set fault(fault: Fault | undefined) {
    this.#parts.fault = fault;
  }

  /** Answers a request at once, without the network. */
  answer(method: string, url: string, body?: object, headers: Readonly<Record<string, string>> = {}): Reply {
    const { host, pathname, searchParams } = new URL(url);
    const content = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
    return answerTo(this.#parts, {
      method,
      host,
      path: pathname,
      query: searchParams,
      headers: { "content-type": "application/json", ...headers },
      content,
    });
  }

  /** Variables of a process, and of its children, that lead everything that they ask of the cloud here, and nothing elsewhere. */
  variables(): Readonly<Record<string, string>> {
    const { home } = this.#parts;
    return {
      HOME: home,
      // The Azure CLI of the stand-in comes first.
      PATH: `${path.join(home, "bin")}${path.delimiter}${process.env.PATH ?? ""}`,
      HTTPS_PROXY: this.proxyUrl,
      HTTP_PROXY: this.proxyUrl,
      NO_PROXY: "127.0.0.1,localhost",
      SSL_CERT_FILE: path.join(home, "certificate.pem"),
      SSL_CERT_DIR: path.join(home, "no-certificates"),
      ARM_SUBSCRIPTION_ID: SUBSCRIPTION_ID,
      ARM_TENANT_ID: TENANT_ID,
      ARM_CLIENT_ID: DEPLOYER,
      ARM_CLIENT_SECRET: CLIENT_SECRET,
      // Otherwise the provider registers itself with dozens of services first.
      ARM_RESOURCE_PROVIDER_REGISTRATIONS: "none",
      ARM_PROVIDER_ENHANCED_VALIDATION: "false",
      // Whatever takes Azure minutes is done at once here.
      GO_AZURE_SDK_SKIP_POLLING_DELAY: "true",
      DATABRICKS_RATE_LIMIT: "500",
    };
  }

  async close(): Promise<void> {
    await this.#parts.jobs?.close();
    await this.#close();
    rmSync(this.#parts.home, { recursive: true, force: true });
  }
}

interface Parts {
  readonly store: Store;
  readonly arm: Arm;
  readonly account: Account;
  readonly workspaces: Workspaces;
  readonly lake: Lake;
  readonly catalog: UnityCatalog;
  readonly routes: RouteTable;
  readonly answered: Answered[];
  readonly unknown: string[];
  readonly home: string;
  readonly jobs: JobRunner | undefined;
  fault: Fault | undefined;
}

/** Starts an empty cloud, in which there are only a subscription and who deploys to it. */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const { seed = 1, mostDelay = 0, latestRole = 0, port, store = new Store(), deployerIsIn = [], jobs } = options;
  const random = new Random(seed);
  const parts = build(store, random, latestRole, jobs);
  parts.account.add("service-principal", DEPLOYER, deployerIsIn);
  const certificate = await makeCertificate();
  mkdirSync(path.join(parts.home, "no-certificates"));
  writeFileSync(path.join(parts.home, "certificate.pem"), certificate.cert);
  mkdirSync(path.join(parts.home, "bin"));
  writeFileSync(path.join(parts.home, "bin", "az"), AZ, { mode: 0o755 });
  const wait = (purpose: string) =>
    mostDelay === 0
      ? Promise.resolve()
      : new Promise((resolve) => setTimeout(resolve, random.next(purpose) * mostDelay));

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const asked = await read(request);
    const purpose = `${asked.method} ${asked.host}${asked.path}`;
    // Late on the way here and on the way back, so that others come in between.
    await wait(purpose);
    const answer = parts.fault?.(asked) ?? answerTo(parts, asked);
    await wait(purpose);
    send(response, asked.method, answer);
  };
  const network = await openNetwork(
    certificate,
    {
      answer: (request, response) => {
        void serve(request, response);
      },
      answerBrowser: (request, response) => {
        void answerDirectly(parts, request, response);
      },
      refuseHost: (host) => parts.unknown.push(`CONNECT ${host}`),
    },
    port,
  );
  return new Cloud(parts, network.proxyUrl, () => network.close());
}

function build(store: Store, random: Random, latestRole: number, options: JobRunnerOptions | undefined): Parts {
  const account = new Account(store);
  const arm = new Arm(store, account);
  const roles = new Roles(arm, random, latestRole);
  const lake = new Lake(store);
  const workspaces = new Workspaces(store, arm, account);
  const catalog = new UnityCatalog(workspaces, arm, roles);
  const jobs = options && new JobRunner(workspaces, catalog, lake, options);
  const routes: readonly Route[] = [
    ...loginRoutes(account),
    ...groupRoutes(arm, lake),
    ...roles.routes(),
    ...lockRoutes(arm),
    ...storageRoutes(arm, roles, lake),
    ...networkRoutes(arm),
    ...databricksRoutes(arm, store),
    ...neighbourRoutes(arm),
    ...blobRoutes(arm, roles, account, lake),
    ...peopleRoutes(workspaces),
    ...fileRoutes(workspaces),
    ...catalog.routes(),
    ...computeRoutes(workspaces),
    ...notificationRoutes(workspaces),
    ...jobRoutes(workspaces, catalog),
    ...jobRunRoutes(workspaces, jobs),
    ...reportRoutes(workspaces),
    ...permissionRoutes(workspaces),
    ...volumeFileRoutes(workspaces, catalog, lake),
  ];
  return {
    ...{ store, arm, account, workspaces, lake, catalog, jobs },
    routes: new RouteTable(routes),
    answered: [],
    unknown: [],
    home: mkdtempSync(path.join(tmpdir(), "order-tracking-cloud-")),
    fault: undefined,
  };
}

interface Asked {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Call["headers"];
  readonly content: Buffer;
}

async function read(request: IncomingMessage): Promise<Asked> {
  const host = (request.headers.host ?? "").split(":")[0] ?? "";
  const { pathname, searchParams } = new URL(`https://${host}${(request.url ?? "").replace(/^\/+/, "/")}`);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { method = "", headers } = request;
  return { method, host, path: pathname, query: searchParams, headers, content: Buffer.concat(chunks) };
}

function answerTo(parts: Parts, asked: Asked): Reply {
  const answer = outcome(parts, asked);
  const { method, host, path: asking, content } = asked;
  const reason = answer.status >= 400 ? JSON.stringify(answer.body) : undefined;
  parts.answered.push({
    method,
    host,
    path: asking,
    status: answer.status,
    content: content.length < 10_000 ? content.toString() : "",
    ...(reason !== undefined && { reason }),
  });
  return answer;
}

function outcome(parts: Parts, { method, host, path: asking, query, headers, content }: Asked): Reply {
  const service = serviceAt(host);
  const found = service && parts.routes.find(service, method, asking);
  if (!found) {
    parts.unknown.push(`${method} ${host}${asking}`);
    return told(host, new Refusal(501, "NotImplemented", `the stand-in has no route for ${method} ${host}${asking}`));
  }
  try {
    const body = parseContent(content, headers["content-type"]);
    return found.route.answer({ method, host, params: found.params, query, headers, content, body });
  } catch (error) {
    if (error instanceof Refusal) return told(host, error);
    parts.unknown.push(`${method} ${host}${asking}: ${String((error as Error).stack)}`);
    return told(host, new Refusal(501, "NotImplemented", String(error)));
  }
}

/** An error as the service at a host spells it. */
function told(host: string, { status, code, message }: Refusal): Reply {
  switch (serviceAt(host)) {
    case "workspace":
      return reply(status, { error_code: code, message });
    case "login":
      return reply(status, { error: code, error_description: message });
    case "blob":
      return reply(status, `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`, {
        "x-ms-error-code": code,
        "content-type": "application/xml",
      });
    default:
      return reply(status, { error: { code, message } });
  }
}

/** Answers a browser with a page and what that asks for, and the made-up `az`, which hands over its words. */
async function answerDirectly(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, path: asking, content } = await read(request);
  if (method === "GET" && asking === "/") {
    send(response, method, reply(200, pageOf(parts), { "content-type": "text/html; charset=utf-8" }));
    return;
  }
  const [, workspaceId, jobId] = /^\/run\/(\d+)\/(\d+)$/.exec(asking) ?? [];
  if (method === "POST" && workspaceId !== undefined && jobId !== undefined) {
    send(response, method, runFromPage(parts, request, workspaceId, jobId));
    return;
  }
  if (method !== "POST" || asking !== "/az") {
    send(response, method, reply(404));
    return;
  }
  const deployer = parts.account.add("service-principal", DEPLOYER);
  const finished = runAz(JSON.parse(content.toString()) as string[], deployer, (verb, target, body, more) => {
    const { host, pathname, searchParams: query } = new URL(target, "https://management.azure.com");
    const sent = Buffer.from(body === undefined ? "" : JSON.stringify(body));
    const token = parts.account.token(deployer, AUDIENCE_OF[serviceAt(host) ?? "resource-manager"]);
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", ...more };
    const asked = { method: verb, host, path: pathname, query, headers, content: sent };
    return parts.fault?.(asked) ?? answerTo(parts, asked);
  });
  send(response, method, reply(200, finished));
}

/** Starts a job for who looks at the page, and shows that again. */
function runFromPage(parts: Parts, request: IncomingMessage, workspaceId: string, jobId: string): Reply {
  // Pages of others can send this form, too.
  if (request.headers.origin !== `http://${String(request.headers.host)}`) return reply(403);
  const workspace = parts.workspaces.withId(workspaceId);
  const job = jobsOf(workspace).get(jobId);
  if (!job || !parts.jobs) return reply(404);
  parts.jobs.start(workspace, job, "ONE_TIME");
  return reply(303, undefined, { location: "/" });
}

/** Whom the Azure CLI gets a token for, by who answers. */
const AUDIENCE_OF = {
  login: AUDIENCES.resourceManager,
  "resource-manager": AUDIENCES.resourceManager,
  workspace: AUDIENCES.databricks,
  blob: AUDIENCES.storage,
} as const;

/** `az`, which leaves the work to the stand-in. Plain JavaScript, as it runs without tsx. */
const AZ = `#!${process.execPath}
const request = require("node:http").request(process.env.HTTPS_PROXY + "/az", { method: "POST" }, (response) => {
  let text = "";
  response.on("data", (data) => (text += data)).on("end", () => {
    const { code, stdout, stderr } = JSON.parse(text);
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    process.exitCode = code;
  });
});
request.end(JSON.stringify(process.argv.slice(2)));
`;

function send(response: ServerResponse, method: string, { status, headers = {}, body }: Reply): void {
  const isJson = typeof body === "object" && !Buffer.isBuffer(body);
  const content = body === undefined ? "" : isJson ? JSON.stringify(body) : body;
  response.writeHead(status, {
    "content-length": String(Buffer.byteLength(content)),
    ...(isJson && { "content-type": "application/json" }),
    ...headers,
  });
  response.end(method === "HEAD" ? undefined : content);
}
