import type { EnvironmentSettings } from "./environment.ts";

export const prod = {
  name: "prod",
  location: "westeurope",
  subscriptionIdVariable: "ORDER_TRACKING_PROD_SUBSCRIPTION_ID",
  owner: "order-tracking-team",
  costCentre: "logistics",
  storageReplication: "GZRS",
  stateContainer: {
    resourceGroup: "rg-order-tracking-prod-state",
    storageAccount: "ordertrackstateprod",
    container: "tfstate",
  },
  failureEmails: ["order-tracking-team@example.com"],
  loaders: ["order-tracking-loaders"],
  readers: ["order-tracking-readers"],
  waivers: [
    {
      rule: "closed-network",
      construct: "prod-platform/lake/account",
      reason: "the environment cannot say yet from where its lake is reached",
      expiresOn: "2026-12-31",
    },
    ...["order-load", "order-replay", "order-upkeep"].map((job) => ({
      rule: "run-as-service-principal",
      construct: `prod-pipeline/${job}/job`,
      reason: "the environment cannot name a service principal yet",
      expiresOn: "2026-12-31",
    })),
  ],
} satisfies EnvironmentSettings;
