/** Where notifications go. */
import { z } from "zod";
import { guidOf } from "../azure/databricks.ts";
import { bodyOf, fields, Refusal, reply, type Route } from "../http.ts";
import { notFound, type Workspace, type Workspaces } from "./workspace.ts";

interface Destination {
  readonly id: string;
  readonly display_name: string;
  readonly destination_type: string;
  readonly config: Readonly<Record<string, unknown>>;
}

const url = z.url().optional();
const config = z.strictObject({
  email: z.strictObject({ addresses: z.array(z.string().regex(/@/)).min(1) }).optional(),
  slack: fields("channel_id oauth_token url_set channel_id_set oauth_token_set").extend({ url }).optional(),
  microsoft_teams: fields("app_id auth_secret channel_url tenant_id url_set").extend({ url }).optional(),
  generic_webhook: fields("username password url_set username_set password_set").extend({ url }).optional(),
});
const body = z.strictObject({ display_name: z.string().min(1), config });
const change = z.strictObject({
  id: z.string().optional(),
  display_name: z.string().optional(),
  config: config.optional(),
});

const TYPES: Readonly<Record<string, string>> = {
  email: "EMAIL",
  slack: "SLACK",
  microsoft_teams: "MICROSOFT_TEAMS",
  generic_webhook: "WEBHOOK",
};

export const destinationsOf = (workspace: Workspace) => workspace.table<Destination>("notification destinations");

export function notificationRoutes(workspaces: Workspaces): readonly Route[] {
  const api = "/api/2.0/notification-destinations";
  const destination = (workspace: Workspace, id = "") => {
    const found = destinationsOf(workspace).get(id);
    if (!found) throw notFound(`Notification destination ${id}`);
    return found;
  };
  return workspaces.routes({
    [`POST ${api}`]: (workspace, call) => {
      const given = bodyOf(call, body);
      const twin = destinationsOf(workspace)
        .values()
        .find((each) => each.display_name === given.display_name);
      if (twin) throw new Refusal(409, "RESOURCE_ALREADY_EXISTS", `${given.display_name} exists already`);
      const id = guidOf(`destination ${workspace.id} ${workspace.nextNumber("destination")}`);
      return reply(200, shown(destinationsOf(workspace).set(id, { id, ...filled(given) })));
    },
    [`GET ${api}`]: (workspace) => reply(200, { results: destinationsOf(workspace).values().map(shown) }),
    [`GET ${api}/{id}`]: (workspace, { params }) => reply(200, shown(destination(workspace, params.id))),
    [`PATCH ${api}/{id}`]: (workspace, call) => {
      const before = destination(workspace, call.params.id);
      const given = bodyOf(call, change);
      const after = filled({
        display_name: given.display_name ?? before.display_name,
        config: given.config ?? before.config,
      });
      return reply(200, shown(destinationsOf(workspace).set(before.id, { id: before.id, ...after })));
    },
    [`DELETE ${api}/{id}`]: (workspace, { params }) => {
      destinationsOf(workspace).delete(destination(workspace, params.id).id);
      return reply(200, {});
    },
  });
}

function filled({ display_name, config: given }: { display_name: string; config: Readonly<Record<string, unknown>> }) {
  const [kind = ""] = Object.keys(given).filter((each) => given[each] !== undefined);
  return { display_name, config: given, destination_type: TYPES[kind] ?? "" };
}

/** Secrets are kept, and never told again: only that they are there. */
function shown({ config: given, ...rest }: Destination) {
  const kind = Object.keys(given).find((each) => given[each] !== undefined) ?? "";
  if (kind === "email") return { ...rest, config: given };
  const told = Object.fromEntries(
    Object.keys(given[kind] as object)
      .filter((field) => !field.endsWith("_set"))
      .map((field) => [`${field}_set`, true]),
  );
  return { ...rest, config: { [kind]: told } };
}
