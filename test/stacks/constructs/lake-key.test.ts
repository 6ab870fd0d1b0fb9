import { addressOf, all, MINIMAL, only, SUBSCRIPTION_ID, synthesize, type StackJson } from "../../synthesized.ts";

let platform: StackJson;

beforeAll(() => {
  const customerManagedKey = { vault: "kv-orders", resourceGroup: "rg-keys", key: "lake" };
  platform = synthesize({ ...MINIMAL, customerManagedKey }).platform;
});

it("encrypts the lake with the newest version of the key", () => {
  const identity = `\${${addressOf(platform, "azurerm_user_assigned_identity")}.id}`;

  expect(only(platform, "azurerm_storage_account")).toMatchObject({
    identity: { type: "UserAssigned", identity_ids: [identity] },
    customer_managed_key: {
      key_vault_key_id: "https://kv-orders.vault.azure.net/keys/lake",
      user_assigned_identity_id: identity,
    },
  });
});

it("may use this key, and no other of the vault", () => {
  const roles = all(platform, "azurerm_role_assignment").filter(({ scope }) => String(scope).includes("KeyVault"));

  expect(roles).toMatchObject([
    {
      scope: `/subscriptions/${SUBSCRIPTION_ID}/resourceGroups/rg-keys/providers/Microsoft.KeyVault/vaults/kv-orders/keys/lake`,
      role_definition_name: "Key Vault Crypto Service Encryption User",
      principal_id: `\${${addressOf(platform, "azurerm_user_assigned_identity")}.principal_id}`,
      principal_type: "ServicePrincipal",
    },
  ]);
});

it("is usable before the lake is created", () => {
  const [wait] = only(platform, "azurerm_storage_account").depends_on as string[];
  const [type = "", id = ""] = wait?.split(".") ?? [];

  expect(JSON.stringify(platform.resource[type]?.[id]?.triggers_replace)).toContain("azurerm_role_assignment.key_role");
});

it("is let go by the lake before its role goes", () => {
  const [role] = all(platform, "azurerm_role_assignment").filter(({ scope }) => String(scope).includes("KeyVault"));

  expect(role?.lifecycle).toEqual({ create_before_destroy: true });
});

it("is Azure's own unless the environment names one", () => {
  const ofAzure = synthesize(MINIMAL).platform;

  expect(only(ofAzure, "azurerm_storage_account")).not.toHaveProperty("customer_managed_key");
  expect(all(ofAzure, "azurerm_user_assigned_identity")).toEqual([]);
});
