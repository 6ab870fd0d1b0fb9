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
} satisfies EnvironmentSettings;
