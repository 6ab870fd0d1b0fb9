import { all, MINIMAL, synthesize } from "../../synthesized.ts";

const grantsOf = (personas: { loaders?: string[]; readers?: string[] }) =>
  all(synthesize({ ...MINIMAL, ...personas }).catalog, "databricks_grants");

it("gives loaders the volume and readers the tables", () => {
  const [onCatalog, onSchema, onVolume] = grantsOf({ loaders: ["shippers"], readers: ["analysts"] });

  expect(onCatalog).toMatchObject({
    catalog: expect.stringMatching(/^\$\{databricks_catalog\..*\.name\}$/) as string,
    grant: [
      { principal: "analysts", privileges: ["USE_CATALOG"] },
      { principal: "shippers", privileges: ["USE_CATALOG"] },
    ],
  });
  expect(onSchema).toMatchObject({
    schema: expect.stringMatching(/^\$\{databricks_schema\..*\.id\}$/) as string,
    grant: [
      { principal: "analysts", privileges: ["USE_SCHEMA", "SELECT"] },
      { principal: "shippers", privileges: ["USE_SCHEMA"] },
    ],
  });
  expect(onVolume).toMatchObject({
    volume: expect.stringMatching(/^\$\{databricks_volume\..*\.id\}$/) as string,
    grant: [{ principal: "shippers", privileges: ["READ_VOLUME", "WRITE_VOLUME"] }],
  });
});

it("names a group of both personas once, with the privileges of both", () => {
  const [, onSchema] = grantsOf({ loaders: ["everyone"], readers: ["everyone"] });

  expect(onSchema?.grant).toEqual([{ principal: "everyone", privileges: ["USE_SCHEMA", "SELECT"] }]);
});

it("leaves an object alone on which nobody is granted anything", () => {
  expect(grantsOf({})).toEqual([]);
  expect(grantsOf({ readers: ["analysts"] })).toHaveLength(2);
});
