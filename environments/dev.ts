import type { EnvironmentSettings } from "./environment.ts";

export const dev = {
  name: "dev",
  location: "westeurope",
  subscriptionIdVariable: "ORDER_TRACKING_DEV_SUBSCRIPTION_ID",
  owner: "order-tracking-team",
  costCentre: "logistics",
  sourceRepository: "https://github.com/example/order-tracking",
  disposable: true,
  network: { posture: "open" },
  stateContainer: {
    resourceGroup: "rg-order-tracking-dev-state",
    storageAccount: "ordertrackstatedev",
    container: "tfstate",
  },
  compute: "all-purpose",
  triggerPaused: true,
} satisfies EnvironmentSettings;
