/** A Databricks workspace: who may call it, and its own tables. */
import { type Account, AUDIENCES, type Principal } from "../account.ts";
import type { Arm } from "../azure/arm.ts";
import { type Call, Refusal, type Reply, type Route, routesOf } from "../http.ts";
import type { Store, Table } from "../store.ts";

/** Permission of a principal in a workspace. */
export type Membership = "ADMIN" | "USER";

export class Workspace {
  readonly id: string;
  readonly account: Account;
  readonly #store: Store;

  constructor(id: string, store: Store, account: Account) {
    this.id = id;
    this.#store = store;
    this.account = account;
  }

  table<Thing>(name: string): Table<Thing> {
    return this.#store.table<Thing>(`workspace ${this.id} ${name}`);
  }

  /** A table that all workspaces of the metastore share. */
  shared<Thing>(name: string): Table<Thing> {
    return this.#store.table<Thing>(name);
  }

  get members(): Table<Membership> {
    return this.table<Membership>("members");
  }

  /** @throws Refusal where the account does not know the principal, or the workspace does not */
  need(kind: Principal["kind"], name: string): Principal {
    const principal = this.account.find(kind, name);
    if (!principal || !this.members.has(String(principal.id))) {
      throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST", `Principal: ${kind} ${name} does not exist in this workspace`);
    }
    return principal;
  }

  /** Administrators may do everything in it. */
  isAdministrator(principal: Principal): boolean {
    return this.members.get(String(principal.id)) === "ADMIN";
  }

  /** Whether somebody is let in, alone or with a group. */
  lets(principal: Principal): boolean {
    const groups = principal.memberOf.map((name) => this.account.find("group", name));
    return [principal, ...groups].some((each) => each !== undefined && this.members.has(String(each.id)));
  }

  nextNumber(kind: string): number {
    return this.#store.nextNumber(kind);
  }
}

export type WorkspaceAnswer = (workspace: Workspace, call: Call, caller: Principal) => Reply;

/** The workspaces that Azure knows. */
export class Workspaces {
  readonly #store: Store;
  readonly #arm: Arm;
  readonly #account: Account;

  constructor(store: Store, arm: Arm, account: Account) {
    this.#store = store;
    this.#arm = arm;
    this.#account = account;
  }

  at(host: string): Workspace {
    const resource = this.#arm
      .ofType("Microsoft.Databricks/workspaces")
      .find(({ properties }) => properties.workspaceUrl === host);
    if (!resource) throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST", `there is no workspace at ${host}`);
    return new Workspace(String(resource.properties.workspaceId), this.#store, this.#account);
  }

  all(): readonly Workspace[] {
    return this.#arm
      .ofType("Microsoft.Databricks/workspaces")
      .map(({ properties }) => this.withId(String(properties.workspaceId)));
  }

  withId(id: string): Workspace {
    return new Workspace(id, this.#store, this.#account);
  }

  routes(answers: Readonly<Record<string, WorkspaceAnswer>>): readonly Route[] {
    return Object.entries(answers).flatMap(([name, answer]) =>
      routesOf("workspace", {
        [name]: (call) => {
          const workspace = this.at(call.host);
          return answer(workspace, call, this.#signIn(workspace, call));
        },
      }),
    );
  }

  /** Whoever may change the workspace in Azure becomes an administrator at the first sign-in; others have to be one. */
  #signIn(workspace: Workspace, { headers }: Call): Principal {
    const caller = this.#account.holderOf(headers.authorization, [AUDIENCES.databricks]);
    const inAzure = inAzureAs(this.#account, headers);
    if (inAzure && !workspace.members.has(String(caller.id))) workspace.members.set(String(inAzure.id), "ADMIN");
    if (!workspace.lets(caller)) {
      throw new Refusal(403, "PERMISSION_DENIED", `${caller.name} is not in the workspace`);
    }
    return caller;
  }
}

/**
 * Whose token for Azure itself comes with a request, beside the one for Databricks.
 *
 * @throws Refusal where it is for something else, or nobody's
 */
export function inAzureAs(account: Account, headers: Call["headers"]): Principal | undefined {
  const token = headers["x-databricks-azure-sp-management-token"];
  if (typeof token !== "string") return undefined;
  return account.holderOf(token, [AUDIENCES.serviceManagement, AUDIENCES.resourceManager]);
}

export const notFound = (what: string) => new Refusal(404, "RESOURCE_DOES_NOT_EXIST", `${what} does not exist.`);
export const invalid = (message: string) => new Refusal(400, "INVALID_PARAMETER_VALUE", message);
export const denied = (message: string) => new Refusal(403, "PERMISSION_DENIED", message);
