/** The directory of people, groups and service principals, and what became of the tokens that it gave out. */
import { Refusal } from "./http.ts";
import type { Store } from "./store.ts";

export const TENANT_ID = "72f988bf-0000-4000-8000-00000000000a";

/** Somebody or something that may be granted anything. */
export interface Principal {
  readonly kind: "group" | "service-principal" | "user";
  /** A group's display name, a service principal's application id, a user's address. */
  readonly name: string;
  /** In the directory; roles are assigned to it. */
  readonly objectId: string;
  /** In the Databricks account. */
  readonly id: number;
  /** Names of groups that it is in. */
  readonly memberOf: readonly string[];
}

/** Whom tokens are for: the services of Azure, of its storage, and of Databricks. */
export const AUDIENCES = {
  resourceManager: "https://management.azure.com",
  serviceManagement: "https://management.core.windows.net",
  storage: "https://storage.azure.com",
  databricks: "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d",
  graph: "https://graph.microsoft.com",
} as const;

export class Account {
  readonly #principals;

  constructor(store: Store) {
    this.#principals = store.table<Principal>("principals");
  }

  /** Adds a principal, or finds the one that has the name. */
  add(kind: Principal["kind"], name: string, memberOf: readonly string[] = []): Principal {
    const number = this.#principals.values().length + 1;
    return (
      this.find(kind, name) ??
      this.#principals.set(`${kind} ${name}`, {
        kind,
        name,
        objectId: `0b1ec700-0000-4000-8000-${String(number).padStart(12, "0")}`,
        id: 7_000_000_000 + number,
        memberOf,
      })
    );
  }

  find(kind: Principal["kind"], name: string): Principal | undefined {
    return this.#principals.get(`${kind} ${name}`);
  }

  /** Whoever is called so, as the catalog names people: by a group's name, an application id or an address. */
  named(name: string): Principal | undefined {
    return this.#principals.values().find((principal) => principal.name === name);
  }

  withObjectId(objectId: string): Principal | undefined {
    return this.#principals.values().find((principal) => principal.objectId === objectId);
  }

  withId(id: number): Principal | undefined {
    return this.#principals.values().find((principal) => principal.id === id);
  }

  /** A token for one audience; the signature is not looked at by anybody. */
  token({ objectId, name }: Principal, audience: string): string {
    const part = (content: object) => Buffer.from(JSON.stringify(content)).toString("base64url");
    const claims = { aud: audience.replace(/\/$/, ""), oid: objectId, appid: name, tid: TENANT_ID, sub: objectId };
    return [part({ alg: "none", typ: "JWT" }), part(claims), "unsigned"].join(".");
  }

  /** @throws Refusal where the token is for somebody else, or for nobody */
  holderOf(authorization: string | undefined, audiences: readonly string[]): Principal {
    const claims = claimsOf(authorization);
    const principal = this.#principals.values().find(({ objectId }) => objectId === claims.oid);
    if (!principal) throw new Refusal(401, "InvalidAuthenticationToken", "there is no valid token in the request");
    if (!audiences.includes(String(claims.aud))) {
      throw new Refusal(401, "InvalidAuthenticationTokenAudience", `the token is for ${String(claims.aud)}`);
    }
    return principal;
  }
}

function claimsOf(authorization = ""): Readonly<Record<string, unknown>> {
  const [, payload = ""] = authorization.replace(/^Bearer /, "").split(".");
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
