import { SHIPPED } from "./choices.ts";
import { testLifecycle } from "./lifecycle.ts";

testLifecycle(SHIPPED.filter(({ name }) => name === "prod"));
