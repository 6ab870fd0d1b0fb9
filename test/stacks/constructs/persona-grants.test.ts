import { resolveEnvironment } from "../../../environments/environment.ts";
import { prod } from "../../../environments/prod.ts";
import { all, MINIMAL, synthesize } from "../../synthesized.ts";

const RUNNER = "99999999-8888-7777-6666-555555555555";

const grantsOf = (personas: { loaders?: string[]; analysts?: string[]; operators?: string[]; runAs?: string }) =>
  all(synthesize({ ...MINIMAL, ...personas }).catalog, "databricks_grants");

it("gives each persona what it needs of the catalog, the schemas and the volume", () => {
  const [onCatalog, onCheckpoint, onOperations, onSchema, onVolume] = grantsOf({
    loaders: ["shippers"],
    analysts: ["analysts"],
    operators: ["operators"],
    runAs: RUNNER,
  });

  expect(onCatalog).toMatchObject({
    catalog: expect.stringMatching(/^\$\{databricks_catalog\..*\.name\}$/) as string,
    grant: [RUNNER, "analysts", "operators", "shippers"].map((principal) => ({
      principal,
      privileges: ["USE_CATALOG"],
    })),
  });
  expect(onSchema).toMatchObject({
    schema: expect.stringMatching(/^\$\{databricks_schema\..*\.id\}$/) as string,
    grant: [
      { principal: RUNNER, privileges: ["USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE"] },
      { principal: "analysts", privileges: ["USE_SCHEMA", "SELECT"] },
      { principal: "operators", privileges: ["USE_SCHEMA", "SELECT"] },
      { principal: "shippers", privileges: ["USE_SCHEMA"] },
    ],
  });
  expect(onOperations).toMatchObject({
    schema: expect.stringMatching(/^\$\{databricks_schema\..*operations.*\.id\}$/) as string,
    grant: [
      { principal: RUNNER, privileges: ["USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE"] },
      { principal: "operators", privileges: ["USE_SCHEMA", "SELECT"] },
    ],
  });
  expect(onCheckpoint).toMatchObject({
    volume: expect.stringMatching(/^\$\{databricks_volume\..*checkpoint.*\.id\}$/) as string,
    grant: [
      { principal: RUNNER, privileges: ["READ_VOLUME", "WRITE_VOLUME"] },
      { principal: "operators", privileges: ["READ_VOLUME"] },
    ],
  });
  expect(onVolume).toMatchObject({
    volume: expect.stringMatching(/^\$\{databricks_volume\..*\.id\}$/) as string,
    grant: [
      { principal: RUNNER, privileges: ["READ_VOLUME", "WRITE_VOLUME"] },
      { principal: "operators", privileges: ["READ_VOLUME"] },
      { principal: "shippers", privileges: ["READ_VOLUME", "WRITE_VOLUME"] },
    ],
  });
});

it("names a group of several personas once, with the privileges of all of them", () => {
  const [, onCheckpoint, , onSchema, onVolume] = grantsOf({
    loaders: ["everyone"],
    analysts: ["everyone"],
    operators: ["everyone"],
  });

  expect(onSchema?.grant).toEqual([{ principal: "everyone", privileges: ["USE_SCHEMA", "SELECT"] }]);
  expect(onCheckpoint?.grant).toEqual([{ principal: "everyone", privileges: ["READ_VOLUME"] }]);
  expect(onVolume?.grant).toEqual([{ principal: "everyone", privileges: ["READ_VOLUME", "WRITE_VOLUME"] }]);
});

it("leaves an object alone on which nobody is granted anything", () => {
  expect(grantsOf({})).toEqual([]);
  expect(grantsOf({ analysts: ["analysts"] })).toHaveLength(2);
});

it("grants nothing to the owners, who may do anything", () => {
  const { ownerGroup } = resolveEnvironment(prod, {});

  expect(ownerGroup).toBeDefined();
  expect(JSON.stringify(all(synthesize(prod).catalog, "databricks_grants"))).not.toContain(ownerGroup);
});
