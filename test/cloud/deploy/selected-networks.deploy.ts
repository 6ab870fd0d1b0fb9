import { CHOOSERS } from "./choices.ts";
import { testLifecycle } from "./lifecycle.ts";

testLifecycle(CHOOSERS.filter(({ network }) => network.posture === "selected-networks"));
