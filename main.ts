import { App, Aspects } from "cdktf";
import { requestedEnvironments } from "./environments/requested.ts";
import { GuardRails } from "./stacks/guard-rails/guard-rails.ts";
import { addOrderTracking } from "./stacks/order-tracking.ts";

// Stack traces would put paths of this machine into what is synthesized.
const app = new App({ stackTraces: false });
const today = new Date().toISOString().slice(0, "YYYY-MM-DD".length);
for (const environment of requestedEnvironments(process.env)) {
  const guardRails = new GuardRails(environment, today);
  for (const stack of addOrderTracking(app, environment)) Aspects.of(stack).add(guardRails);
}
app.synth();
