/** Entra ID: tokens for whoever proves to be a service principal. */
import { type Account, AUDIENCES } from "../account.ts";
import { type Call, Refusal, reply, type Route, routesOf } from "../http.ts";

/** The secret of every service principal. */
export const CLIENT_SECRET = "a-secret-of-the-stand-in";

export function loginRoutes(account: Account): readonly Route[] {
  const answer = (call: Call) => {
    const form = call.body as Readonly<Record<string, string>>;
    const { id, secret } = credentialsOf(call);
    const principal = account.find("service-principal", id);
    if (!principal || secret !== CLIENT_SECRET) {
      throw new Refusal(401, "invalid_client", `AADSTS7000215: ${id} gave an invalid secret`);
    }
    const audience = (form.resource ?? form.scope ?? "").replace(/\/\.default.*$/, "").replace(/\/$/, "");
    if (!Object.values<string>(AUDIENCES).includes(audience)) {
      throw new Refusal(400, "invalid_resource", `AADSTS500011: there is no resource ${audience}`);
    }
    const seconds = 3600;
    return reply(200, {
      token_type: "Bearer",
      expires_in: seconds,
      expires_on: String(Math.floor(Date.now() / 1000) + seconds),
      resource: audience,
      access_token: account.token(principal, audience),
    });
  };
  return routesOf("login", {
    "POST /{tenant}/oauth2/v2.0/token": answer,
    "POST /{tenant}/oauth2/token": answer,
  });
}

/** In a header, or in the form. */
function credentialsOf({ headers, body }: Call): { readonly id: string; readonly secret: string } {
  const [scheme, encoded = ""] = (headers.authorization ?? "").split(" ");
  if (scheme === "Basic") {
    const [id = "", secret = ""] = Buffer.from(encoded, "base64").toString().split(":").map(decodeURIComponent);
    return { id, secret };
  }
  const form = body as Readonly<Record<string, string>>;
  return { id: form.client_id ?? "", secret: form.client_secret ?? "" };
}
