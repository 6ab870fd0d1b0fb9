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
} satisfies EnvironmentSettings;
