/**
 * Azure's regions with Databricks, by their short names: https://learn.microsoft.com/azure/databricks/resources/supported-regions
 *
 * Without those of China and of the US government, which are clouds of their own with other host names.
 */
export const REGIONS = [
  "australiacentral",
  "australiacentral2",
  "australiaeast",
  "australiasoutheast",
  "brazilsouth",
  "canadacentral",
  "canadaeast",
  "centralindia",
  "centralus",
  "eastasia",
  "eastus",
  "eastus2",
  "francecentral",
  "germanywestcentral",
  "japaneast",
  "japanwest",
  "koreacentral",
  "mexicocentral",
  "northcentralus",
  "northeurope",
  "norwayeast",
  "qatarcentral",
  "southafricanorth",
  "southcentralus",
  "southeastasia",
  "southindia",
  "swedencentral",
  "switzerlandnorth",
  "switzerlandwest",
  "uaenorth",
  "uksouth",
  "ukwest",
  "westcentralus",
  "westeurope",
  "westindia",
  "westus",
  "westus2",
  "westus3",
] as const;

export type Region = (typeof REGIONS)[number];

// Zones and pairs: https://learn.microsoft.com/azure/reliability/regions-list. North Central US and West Central US are
// not here, since Azure has announced zones for both.
const WITHOUT_ZONES: readonly Region[] = [
  "australiacentral",
  "australiacentral2",
  "australiasoutheast",
  "canadaeast",
  "southindia",
  "switzerlandwest",
  "ukwest",
  "westindia",
  "westus",
];
const WITHOUT_PAIR: readonly Region[] = ["mexicocentral", "qatarcentral"];

/** How storage can be replicated in a region: in one zone, in three, and in a second region as well. */
export function replicationsIn(region: Region): readonly string[] {
  if (WITHOUT_ZONES.includes(region)) return ["LRS"];
  return WITHOUT_PAIR.includes(region) ? ["LRS", "ZRS"] : ["LRS", "ZRS", "GZRS"];
}
