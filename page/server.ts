/** The page's server on loopback: who may ask it, what it shows, and how it tells that something has changed. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { createReadStream } from "node:fs";
import path from "node:path";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Home } from "../local/home.ts";
import { csv, forSpreadsheet } from "../cli/csv.ts";
import { homeState } from "./home-state.ts";
import { html, type Html } from "./html.ts";
import { rejectedFile } from "./rejected-file.ts";
import { type ReplayRequest, Replays } from "./replays.ts";
import { shell } from "./shell.ts";
import { MAX_DOWNLOADED, type Tables } from "./tables.ts";
import { type About, type View, views } from "./views.ts";

/** The only address that is listened on: nobody but this machine reaches it. */
const LOOPBACK = "127.0.0.1";

/** How long the address that starts a browser works: whoever reads a command line later has nothing of it. */
const ONCE_WITHIN_MS = 30_000;

/** How often the home is looked at for changes while somebody looks at the page. */
const LOOK_EVERY_MS = 1000;

/** What a replay that is asked for must say; the command refuses what makes no sense. */
const REPLAY_SCHEMA = {
  type: "object",
  required: ["source"],
  additionalProperties: false,
  properties: { source: { enum: ["quarantine", "rejected"] }, file: { type: "string", minLength: 1 } },
};

const modules = path.join(__dirname, "../node_modules");

/** All that a browser gets beside HTML: files of this folder, and of packages that are installed. */
const ASSETS: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  "pico.css": { file: path.join(modules, "@picocss/pico/css/pico.classless.min.css"), type: "text/css" },
  "chart.js": { file: path.join(modules, "chart.js/dist/chart.umd.min.js"), type: "text/javascript" },
  "page.css": { file: path.join(__dirname, "browser/page.css"), type: "text/css" },
  "page.mjs": { file: path.join(__dirname, "browser/page.mjs"), type: "text/javascript" },
};

/** What to do where somebody was quicker than the browser: they would be again. */
export const WITHOUT_A_BROWSER = "start it again with the same command and `| cat` after it, which starts no browser";

/** For the browser that comes second with an address that works once: the first one may be somebody else's. */
const USED =
  "This address works once, and somebody has opened the page with it already. If that was not you, another person on " +
  `this machine sees the page: stop it with Ctrl-C where you started it, and ${WITHOUT_A_BROWSER}.\n`;

/** For the browser that comes after the time of that address. */
const TOO_LATE =
  `This address works within ${ONCE_WITHIN_MS / 1000} seconds of the page's start, and they are over. Open the address ` +
  "that the page has printed where you started it, or stop it there with Ctrl-C and start it again.\n";

/** Nothing from a network, nothing inline, and in nobody's frame. Pico's pictures are in its own text. */
const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  // The address has the token in it.
  "referrer-policy": "same-origin",
  "cache-control": "no-store",
};

/** What the page is about. */
export interface PageProps {
  readonly home: Home;
  readonly tables: Tables;
  /** @default those that run the command `replay` on the home */
  readonly replays?: Replays;
  /**
   * Told when the address that works once has led somebody to the page.
   *
   * @default nobody is told
   */
  readonly onOpened?: () => void;
}

/** A page that is served. */
export interface Page {
  /** Its address, token and all. */
  readonly url: string;
  /**
   * An address that leads to the page once, and soon: what starts a browser can be read by others on this machine. Whoever
   * is first gets the token, so whoever is second is told so.
   */
  readonly urlForOnce: string;
  close(): Promise<void>;
}

/** A code that leads to the page once. */
interface Once {
  readonly code: string;
  /** On the clock of `performance`. */
  readonly worksUntil: number;
  isUsed: boolean;
  readonly onOpened: () => void;
}

/**
 * Serves the page on loopback.
 *
 * @param port 0 for any that is free
 * @throws Error where the port is taken
 */
export async function startPage(props: PageProps, port: number): Promise<Page> {
  const token = secret();
  const once: Once = {
    code: secret(),
    worksUntil: performance.now() + ONCE_WITHIN_MS,
    isUsed: false,
    onOpened: props.onOpened ?? (() => undefined),
  };
  const server = pageServer({ ...props, replays: props.replays ?? new Replays(props.home) }, token, once);
  try {
    await server.listen({ host: LOOPBACK, port });
  } catch (error) {
    await server.close();
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EADDRINUSE" && code !== "EACCES") throw error;
    const why = code === "EACCES" ? "you may not listen on" : "something else listens on";
    throw new Error(`${why} port ${port}: name another one with --port`, { cause: error });
  }
  const origin = `http://${LOOPBACK}:${listensOn(server)}`;
  return {
    url: `${origin}/${token}/`,
    urlForOnce: `${origin}/once/${once.code}`,
    close: () => server.close(),
  };
}

function secret(): string {
  return randomBytes(24).toString("base64url");
}

function listensOn(server: FastifyInstance): number {
  const address = server.server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

function pageServer(about: About, token: string, once: Once): FastifyInstance {
  // Whoever looks at the page keeps a connection open, which would keep the server from ending.
  const server = fastify({
    forceCloseConnections: true,
    // An address that cannot be read, or is too long, is answered without a hook.
    frameworkErrors: (_, __, reply) => {
      void notFound(reply.headers(HEADERS));
    },
  });
  server.addHook("onRequest", async (request, reply) => {
    reply.headers(HEADERS);
    const refusal = refusalOf(request, listensOn(server));
    if (refusal !== undefined) return reply.code(403).type("text/plain").send(refusal);
    if (isSame(firstPart(request.url), token) || firstPart(request.url) === "once") return undefined;
    return notFound(reply);
  });
  server.setNotFoundHandler((_, reply) => notFound(reply));

  // Only who gets the page uses the code up: what starts a browser on WSL asks for the head of the address first.
  server.get<{ Params: { code: string } }>("/once/:code", { exposeHeadRoute: false }, (request, reply) => {
    if (!isSame(request.params.code, once.code)) return notFound(reply);
    const refusal = once.isUsed ? USED : performance.now() > once.worksUntil ? TOO_LATE : undefined;
    if (refusal !== undefined) return reply.code(410).type("text/plain").send(refusal);
    once.isUsed = true;
    once.onOpened();
    return reply.redirect(`/${token}/`);
  });
  server.register(
    (page, _, done) => {
      page.get<{ Params: { name: string } }>("/assets/:name", (request, reply) =>
        sendAsset(request.params.name, reply),
      );
      page.get("/changes", (request, reply) => {
        tellOfChanges(about, request, reply);
      });
      for (const view of views) addView(page, view, about);
      addDownloads(page, about);
      addReplay(page, about);
      done();
    },
    { prefix: `/${token}` },
  );
  return server;
}

function addView(page: FastifyInstance, view: View, about: About): void {
  const send = (reply: FastifyReply, content: Html) => reply.type("text/html; charset=utf-8").send(content.text);
  page.get<{ Querystring: Record<string, string> }>(`/${view.path}`, (request, reply) =>
    send(reply, shell(view, view.page(request.query, about), about.home)),
  );
  for (const [name, part] of Object.entries(view.parts)) {
    page.get<{ Querystring: Record<string, string> }>(`/parts/${name}`, async (request, reply) => {
      try {
        return await send(reply, await part(request.query, about));
      } catch (error) {
        return send(reply, problem(error as Error));
      }
    });
  }
}

/** What was not taken, to look at elsewhere: never as something that a browser would show. */
function addDownloads(page: FastifyInstance, { home, tables }: About): void {
  const send = (reply: FastifyReply, name: string, content: unknown) =>
    reply
      .type("application/octet-stream")
      .header("content-disposition", `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
      .send(content);
  page.get("/quarantine.csv", async (_, reply) => {
    const rows = await tables.rows("quarantine", MAX_DOWNLOADED);
    const columns = Object.keys(rows[0] ?? {});
    const cells = rows.map((row) => columns.map((name) => row[name]));
    return send(reply, "quarantine.csv", csv(columns, cells, forSpreadsheet));
  });
  page.get<{ Querystring: { file?: string } }>("/rejected", (request, reply) => {
    const file = rejectedFile(home, request.query.file ?? "");
    return file === undefined ? notFound(reply) : send(reply, path.basename(file), createReadStream(file));
  });
}

/** The only thing that changes anything. */
function addReplay(page: FastifyInstance, { replays }: About): void {
  page.post<{ Body: ReplayRequest }>("/replay", { schema: { body: REPLAY_SCHEMA } }, (request, reply) =>
    replays.start(request.body)
      ? reply.code(202).send({ started: true })
      : reply.code(409).send({ message: "Another replay goes on." }),
  );
}

/** A sentence in place of a part; that the tables are not there yet is no error. */
function problem(error: Error): Html {
  if (/TABLE_OR_VIEW_NOT_FOUND|SCHEMA_NOT_FOUND/.test(error.message)) {
    return html`<p>Nothing has been loaded here yet: <code>npm start</code> loads the samples.</p>`;
  }
  return html`<p role="alert">This cannot be shown: ${error.message}</p>`;
}

/** Why a request is not answered, whatever token it has: it comes from a page of somebody else's. */
export function refusalOf({ headers }: Pick<FastifyRequest, "headers">, port: number): string | undefined {
  const names = [LOOPBACK, "localhost"];
  // Browsers leave out the port of a web server.
  const hosts = [...names.map((name) => `${name}:${port}`), ...(port === 80 ? names : [])];
  if (!hosts.includes(headers.host ?? "")) return "This page is only for this machine.\n";
  const { origin } = headers;
  const isOthers = origin !== undefined && origin !== `http://${headers.host}`;
  const site = headers["sec-fetch-site"];
  if (isOthers || (site !== undefined && site !== "same-origin" && site !== "none")) {
    return "This page is not for other pages.\n";
  }
  return undefined;
}

/** The same answer for what there is not and for what is not shown to whoever asks. */
function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).type("text/plain").send("There is no such page.\n");
}

function firstPart(url: string): string {
  return url.split(/[/?]/)[1] ?? "";
}

/** Compares in a time that tells nothing of where they differ. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

function sendAsset(name: string, reply: FastifyReply): FastifyReply {
  const asset = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
  if (asset === undefined) return notFound(reply);
  return reply.type(`${asset.type}; charset=utf-8`).send(createReadStream(asset.file));
}

/** Sends an event each time something has changed, until whoever listens is gone. */
function tellOfChanges({ home, replays }: About, request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, { ...HEADERS, "content-type": "text/event-stream" });
  reply.raw.write(": listening\n\n");
  const stateNow = () => `${homeState(home)} ${replays.last?.sentence ?? ""}`;
  let known = stateNow();
  const look = setInterval(() => {
    const state = stateNow();
    if (state !== known) reply.raw.write("event: change\ndata: \n\n");
    known = state;
  }, LOOK_EVERY_MS);
  request.raw.on("close", () => {
    clearInterval(look);
  });
}
