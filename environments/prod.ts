import type { EnvironmentSettings } from "./environment.ts";

export const prod = {
  name: "prod",
  location: "westeurope",
  subscriptionIdVariable: "ORDER_TRACKING_PROD_SUBSCRIPTION_ID",
  owner: "order-tracking-team",
  costCentre: "logistics",
  sourceRepository: "https://github.com/example/order-tracking",
  network: { posture: "private", addressSpace: "10.22.0.0/24" },
  storageReplication: "GZRS",
  stateContainer: {
    resourceGroup: "rg-order-tracking-prod-state",
    storageAccount: "ordertrackstateprod",
    container: "tfstate",
  },
  notifications: { emails: ["order-tracking-team@example.com"] },
  warehouse: "create",
  ownerGroup: "order-tracking-owners-prod",
  loaders: ["order-tracking-loaders"],
  analysts: ["order-tracking-analysts"],
  operators: ["order-tracking-operators"],
  runAs: "00000000-0000-4000-8000-000000000000",
  deployer: "00000000-0000-4000-8000-000000000002",
} satisfies EnvironmentSettings;
