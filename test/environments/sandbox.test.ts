import fc from "fast-check";
import { dev } from "../../environments/dev.ts";
import { resolveEnvironment } from "../../environments/environment.ts";
import * as names from "../../environments/names.ts";
import { prod } from "../../environments/prod.ts";
import { sandbox, type SandboxRequest } from "../../environments/sandbox.ts";
import { staging } from "../../environments/staging.ts";

const REQUEST: SandboxRequest = { owner: "anna@example.com", branch: "feature/late-files", expiresOn: "2026-12-24" };

const anyText = fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 });
const anyRequest = fc.record({ owner: anyText, branch: anyText, expiresOn: fc.constant("2026-12-24") });

it("has the same name whenever the same owner asks for the same branch", () => {
  expect(sandbox(REQUEST).name).toBe("sbx0dxotgxr");
  expect(sandbox({ ...REQUEST, expiresOn: "2027-01-31" }).name).toBe(sandbox(REQUEST).name);
});

it("is valid for any owner and any branch", () => {
  fc.assert(
    fc.property(anyRequest, (request) => {
      expect(() => resolveEnvironment(sandbox(request), {})).not.toThrow();
    }),
  );
});

it("has a name of its own for any other owner or branch", () => {
  fc.assert(
    fc.property(anyRequest, anyRequest, (one, other) => {
      fc.pre(one.owner !== other.owner || one.branch !== other.branch);
      expect(sandbox(one).name).not.toBe(sandbox(other).name);
    }),
  );
});

it("has a name of its own in any other repository", () => {
  const { name } = sandbox(REQUEST);
  const { sourceRepository } = dev;
  try {
    Object.assign(dev, { sourceRepository: "https://github.com/others/order-tracking" });
    expect(sandbox(REQUEST).name).not.toBe(name);
  } finally {
    Object.assign(dev, { sourceRepository });
  }
});

it("does not confuse where the owner ends and the branch begins", () => {
  expect(sandbox({ ...REQUEST, owner: "ab", branch: "c" }).name).not.toBe(
    sandbox({ ...REQUEST, owner: "a", branch: "bc" }).name,
  );
});

it("keeps owner, branch and expiry for its tags", () => {
  expect(sandbox({ ...REQUEST, branch: "fix/#12" })).toMatchObject({
    owner: "anna@example.com",
    branch: "fix/-12",
    expiresOn: "2026-12-24",
  });
});

it("lives in the workspace, the subscription and the state container of dev", () => {
  const devEnvironment = resolveEnvironment(dev, {});
  const sandboxEnvironment = resolveEnvironment(sandbox(REQUEST), {});

  expect(names.workspaceId(sandboxEnvironment)).toBe(names.workspaceId(devEnvironment));
  expect(sandboxEnvironment.stateContainer).toEqual(devEnvironment.stateContainer);
});

it("belongs to the group that dev belongs to, so that whoever is in it can take the sandbox down", () => {
  expect(sandbox(REQUEST).ownerGroup).toBeUndefined();
  try {
    Object.assign(dev, { ownerGroup: "order-tracking-owners-dev" });
    expect(sandbox(REQUEST).ownerGroup).toBe("order-tracking-owners-dev");
  } finally {
    Reflect.deleteProperty(dev, "ownerGroup");
  }
});

it("belongs to a group that owns no environment that lasts, since any branch runs with its rights", () => {
  const owners = [sandbox(REQUEST), staging, prod].map(({ ownerGroup }) => ownerGroup);
  expect(new Set(owners).size).toBe(owners.length);
});

it("may be destroyed with its data, and starts nothing by itself", () => {
  expect(sandbox(REQUEST)).toMatchObject({ disposable: true, triggerPaused: true });
});

it("fails on an expiry that is not a date", () => {
  expect(() => resolveEnvironment(sandbox({ ...REQUEST, expiresOn: "soon" }), {})).toThrow('expiresOn is "soon"');
});
