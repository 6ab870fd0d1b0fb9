import type { EnvironmentSettings } from "./environment.ts";

export const staging = {
  name: "staging",
  location: "westeurope",
  subscriptionIdVariable: "ORDER_TRACKING_STAGING_SUBSCRIPTION_ID",
  owner: "order-tracking-team",
  costCentre: "logistics",
  sourceRepository: "https://github.com/example/order-tracking",
  // As prod, or it would not show what prod will meet.
  network: { posture: "private", addressSpace: "10.21.0.0/24" },
  storageReplication: "ZRS",
  stateContainer: {
    resourceGroup: "rg-order-tracking-staging-state",
    storageAccount: "ordertrackstatestaging",
    container: "tfstate",
  },
  notifications: { emails: ["order-tracking-team@example.com"] },
  ownerGroup: "order-tracking-owners-staging",
  loaders: ["order-tracking-loaders"],
  analysts: ["order-tracking-analysts"],
  operators: ["order-tracking-operators"],
  runAs: "00000000-0000-4000-8000-000000000001",
  deployer: "00000000-0000-4000-8000-000000000003",
} satisfies EnvironmentSettings;
