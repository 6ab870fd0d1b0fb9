/**
 * All roles that the stacks give, by name, with the ids that Azure knows them by: all that identities of the lake need. None
 * of them hands out rights, and none reads data but as a client does.
 *
 * Whoever deploys may give and take these and no others: see deploy/identities.ts. For the identities of workflows Azure
 * keeps a copy of this list in a condition, and `identities` shows the commands that replace it. After a line is added they
 * have to be run for each environment before that is deployed; after one is removed, once the role is taken away there.
 * Otherwise the deployment stops halfway with 403.
 * https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
 */
export const NARROW_ROLES: Readonly<Record<string, string>> = {
  "EventGrid EventSubscription Contributor": "428e0ff0-5e57-4d9c-a221-2c70d0e0a443",
  "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
  "Storage Account Contributor": "17d1049b-9a84-46fb-8f53-869881c3d3ab",
  "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
  "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
};
