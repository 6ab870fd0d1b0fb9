import { App } from "cdktf";
import { requestedEnvironments } from "./environments/requested.ts";
import { addOrderTracking } from "./stacks/order-tracking.ts";

// Stack traces would put paths of this machine into what is synthesized.
const app = new App({ stackTraces: false });
for (const environment of requestedEnvironments(process.env)) addOrderTracking(app, environment);
app.synth();
