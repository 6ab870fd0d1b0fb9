/** What the deployments of a test run cost: requests, resources and seconds, one line for each environment. */
import { appendFileSync } from "node:fs";
import type { Cloud } from "../cloud.ts";

/** Adds a line to the report that `npm run test:deploy` prints at its end, if it is asked for one. */
export function report(what: string, cloud: Cloud, resources: number, startedAt: number): void {
  const file = process.env.ORDER_TRACKING_DEPLOY_REPORT;
  if (file === undefined) return;
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  appendFileSync(file, `${JSON.stringify({ what, requests: cloud.answered.length, resources, seconds })}\n`);
}
