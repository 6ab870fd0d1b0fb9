import type { EnvironmentSettings } from "./environment.ts";

export const staging = {
  name: "staging",
  location: "westeurope",
  subscriptionIdVariable: "ORDER_TRACKING_STAGING_SUBSCRIPTION_ID",
  owner: "order-tracking-team",
  costCentre: "logistics",
  storageReplication: "ZRS",
  stateContainer: {
    resourceGroup: "rg-order-tracking-staging-state",
    storageAccount: "ordertrackstatestaging",
    container: "tfstate",
  },
  failureEmails: ["order-tracking-team@example.com"],
  loaders: ["order-tracking-loaders"],
  readers: ["order-tracking-readers"],
  waivers: [
    {
      rule: "closed-network",
      construct: "staging-platform/lake/account",
      reason: "the environment cannot say yet from where its lake is reached",
      expiresOn: "2026-12-31",
    },
    ...["order-load", "order-replay", "order-upkeep"].map((job) => ({
      rule: "run-as-service-principal",
      construct: `staging-pipeline/${job}/job`,
      reason: "the environment cannot name a service principal yet",
      expiresOn: "2026-12-31",
    })),
  ],
} satisfies EnvironmentSettings;
