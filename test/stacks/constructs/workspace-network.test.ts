import { addressOf, all, MINIMAL, only, synthesize, type StackJson } from "../../synthesized.ts";

let selected: StackJson;
let inPrivate: StackJson;

beforeAll(() => {
  const network = { posture: "selected-networks", addressSpace: "10.20.0.0/24" } as const;
  selected = synthesize({ ...MINIMAL, network }).platform;
  inPrivate = synthesize({ ...MINIMAL, network: { posture: "private", addressSpace: "10.20.0.0/24" } }).platform;
});

const subnets = (stack: StackJson) =>
  Object.fromEntries(all(stack, "azurerm_subnet").map((subnet) => [String(subnet.name), subnet]));
const subnetAddress = (stack: StackJson, name: string) =>
  Object.entries(stack.resource.azurerm_subnet ?? {})
    .filter(([, subnet]) => subnet.name === name)
    .map(([id]) => `azurerm_subnet.${id}`)
    .join();

it("puts the workspace's nodes into two subnets, which are delegated to Databricks", () => {
  const hosts = subnetAddress(selected, "hosts");
  const containers = subnetAddress(selected, "containers");

  expect(only(selected, "azurerm_databricks_workspace").custom_parameters).toMatchObject({
    no_public_ip: true,
    virtual_network_id: `\${${addressOf(selected, "azurerm_virtual_network")}.id}`,
    public_subnet_name: `\${${hosts}.name}`,
    private_subnet_name: `\${${containers}.name}`,
  });
  for (const subnet of all(selected, "azurerm_subnet")) {
    expect(subnet).toMatchObject({ delegation: [{ service_delegation: { name: "Microsoft.Databricks/workspaces" } }] });
  }
});

it("gives each subnet addresses of its own", () => {
  const prefixes = all(inPrivate, "azurerm_subnet").map(({ address_prefixes }) => String(address_prefixes));

  expect(only(inPrivate, "azurerm_virtual_network").address_space).toEqual(["10.20.0.0/24"]);
  expect(new Set(prefixes)).toEqual(
    new Set([0, 1, 2].map((quarter) => `\${cidrsubnet("10.20.0.0/24", 2, ${quarter})}`)),
  );
});

it("lets clusters out through one address, before there is a workspace to start them", () => {
  const egress = Object.entries(selected.resource.azurerm_subnet_nat_gateway_association ?? {});

  expect(all(selected, "azurerm_public_ip")).toHaveLength(1);
  expect(egress.map(([, { subnet_id }]) => subnet_id).sort()).toEqual(
    ["containers", "hosts"].map((name) => `\${${subnetAddress(selected, name)}.id}`),
  );
  expect(only(selected, "azurerm_databricks_workspace").depends_on).toEqual(
    egress.map(([id]) => `azurerm_subnet_nat_gateway_association.${id}`).reverse(),
  );
});

it("lets no subnet out by itself, and has a security group before each", () => {
  const guarded = all(inPrivate, "azurerm_subnet_network_security_group_association").map(({ subnet_id }) => subnet_id);

  expect(all(inPrivate, "azurerm_subnet").map((subnet) => subnet.default_outbound_access_enabled)).toEqual([
    false,
    false,
    false,
  ]);
  expect(guarded.sort()).toEqual(
    ["containers", "endpoints", "hosts"].map((name) => `\${${subnetAddress(inPrivate, name)}.id}`),
  );
});

it("has a subnet for endpoints only where there are endpoints", () => {
  expect(Object.keys(subnets(selected)).sort()).toEqual(["containers", "hosts"]);
  expect(subnets(inPrivate).endpoints).not.toHaveProperty("delegation");
});

it("lets the security group of the endpoints' subnet say who reaches them", () => {
  expect(subnets(inPrivate).endpoints).toMatchObject({
    private_endpoint_network_policies: "NetworkSecurityGroupEnabled",
  });
});

it("lets the firewall of the lake know both subnets of the clusters", () => {
  for (const name of ["hosts", "containers"]) {
    expect(subnets(selected)[name]?.service_endpoints).toEqual(["Microsoft.Storage"]);
  }
  expect(only(selected, "azurerm_storage_account").network_rules).toMatchObject({
    virtual_network_subnet_ids: ["hosts", "containers"].map((name) => `\${${subnetAddress(selected, name)}.id}`),
  });
});
