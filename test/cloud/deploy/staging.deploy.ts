import { SHIPPED } from "./choices.ts";
import { testLifecycle } from "./lifecycle.ts";
import { testLoadJob } from "./load-job.ts";

// Its jobs run as somebody with no other rights, and its trigger is not paused.
testLifecycle(
  SHIPPED.filter(({ name }) => name === "staging"),
  testLoadJob,
);
