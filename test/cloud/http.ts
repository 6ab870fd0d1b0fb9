/** Requests and answers as the services see them, and the table that says which service answers what. */
import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";

/** The services that have names of their own on the network. */
export type Service = "login" | "resource-manager" | "workspace" | "blob";

/** Names under which the services are reached in Azure's public cloud. */
const HOSTS: Readonly<Record<Service, RegExp>> = {
  login: /^login\.microsoftonline\.com$/,
  "resource-manager": /^management\.azure\.com$/,
  workspace: /^adb-\d+\.\d+\.azuredatabricks\.net$/,
  blob: /^[a-z0-9]{3,24}\.blob\.core\.windows\.net$/,
};

/** The service at a host, or nothing where the host is no part of this cloud. */
export function serviceAt(host: string): Service | undefined {
  return (Object.keys(HOSTS) as Service[]).find((service) => HOSTS[service].test(host));
}

export interface Call {
  readonly method: string;
  readonly host: string;
  /** Decoded parts of the path by the names that the route gives them. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** As sent. */
  readonly content: Buffer;
  /** What was sent as JSON or as a form. */
  readonly body: unknown;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: object | string | Buffer;
}

export const reply = (status: number, body?: Reply["body"], headers?: Reply["headers"]): Reply => ({
  status,
  ...(body !== undefined && { body }),
  ...(headers && { headers }),
});

/** What a service answers instead of doing what it was asked. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface Route {
  readonly service: Service;
  readonly method: string;
  /** `{name}` is one part of a path, `{name*}` all that are left. */
  readonly path: string;
  readonly answer: (call: Call) => Reply;
}

/** Routes of one service. */
export function routesOf(service: Service, answers: Readonly<Record<string, Route["answer"]>>): readonly Route[] {
  return Object.entries(answers).map(([name, answer]) => {
    const [method = "", path = ""] = name.split(" ");
    return { service, method, path, answer };
  });
}

/** Finds the route of a request. The fewer names a path has, the better it fits. */
export class RouteTable {
  readonly #routes: readonly { readonly route: Route; readonly pattern: RegExp; readonly names: readonly string[] }[];

  constructor(routes: readonly Route[]) {
    const openness = ({ path }: Route) => (path.match(/\{/g) ?? []).length + (path.includes("*}") ? 100 : 0);
    this.#routes = [...routes].sort((one, other) => openness(one) - openness(other)).map(compile);
  }

  find(service: Service, method: string, path: string) {
    for (const { route, pattern, names } of this.#routes) {
      if (route.service !== service || route.method !== method) continue;
      const match = pattern.exec(path);
      if (match)
        return { route, params: Object.fromEntries(names.map((name, i) => [name, decode(match[i + 1] ?? "")])) };
    }
    return undefined;
  }
}

const decode = (part: string) => decodeURIComponent(part);

function compile(route: Route) {
  const names: string[] = [];
  const pattern = route.path
    .replace(/[.()$+]/g, "\\$&")
    .replace(/\{(\w+)(\*?)\}/g, (_, name: string, isRest: string) => {
      names.push(name);
      return isRest ? "(.*)" : "([^/]+)";
    });
  return { route, names, pattern: new RegExp(`^${pattern}$`, route.service === "resource-manager" ? "i" : "") };
}

/**
 * What was sent, held to its type: a field that the service does not know, or a value that it does not take, is refused.
 *
 * @throws Refusal with the field and what is wrong with it
 */
export function bodyOf<Type extends z.ZodType>(call: Call, type: Type): z.output<Type> {
  const parsed = type.safeParse(call.body, { reportInput: true });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  throw new Refusal(400, "INVALID_PARAMETER_VALUE", problems.join("; "));
}

type Words<Text extends string> = Text extends `${infer Word} ${infer More}` ? Word | Words<More> : Text;

/** An object that may have these fields, whatever they hold, and no others. */
export function fields<const Names extends string>(names: Names) {
  type Shape = Readonly<Record<Words<Names>, z.ZodOptional<z.ZodUnknown>>>;
  return z.strictObject(Object.fromEntries(names.split(" ").map((name) => [name, z.unknown().optional()])) as Shape);
}

/** An object without some of its fields. */
export function without<Given extends object, Name extends keyof Given>(given: Given, ...names: Name[]) {
  const left = Object.entries(given).filter(([name]) => !(names as PropertyKey[]).includes(name));
  return Object.fromEntries(left) as Omit<Given, Name>;
}

/** The request's content, by its type. */
export function parseContent(content: Buffer, type = ""): unknown {
  if (content.length === 0) return undefined;
  if (type.startsWith("application/x-www-form-urlencoded")) {
    return Object.fromEntries(new URLSearchParams(content.toString()));
  }
  if (type.startsWith("multipart/form-data")) return parseForm(content, /boundary="?([^";]+)/.exec(type)?.[1] ?? "");
  if (type.includes("json") || type === "") {
    try {
      return JSON.parse(content.toString());
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/** The parts of a form; a file's content is kept as base64. */
function parseForm(content: Buffer, boundary: string): Readonly<Record<string, string>> {
  // Latin-1 keeps bytes as they are, one to a character.
  const parts = content.toString("latin1").split(`--${boundary}`).slice(1, -1);
  return Object.fromEntries(
    parts.map((part) => {
      const end = part.indexOf("\r\n\r\n");
      const head = part.slice(0, end);
      const value = Buffer.from(part.slice(end + 4, -2), "latin1");
      const isFile = head.includes("filename=") || head.includes("octet-stream");
      return [/ name="?([^";\r]+)/.exec(head)?.[1] ?? "", value.toString(isFile ? "base64" : "utf8")];
    }),
  );
}
