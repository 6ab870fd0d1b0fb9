import { requestedEnvironments } from "../../environments/requested.ts";
import { SUBSCRIPTION_ID } from "../synthesized.ts";

const TODAY = "2026-11-24";
const SANDBOX = {
  ORDER_TRACKING_SANDBOX_OWNER: "anna",
  ORDER_TRACKING_SANDBOX_BRANCH: "main",
  ORDER_TRACKING_SANDBOX_EXPIRES_ON: "2026-12-24",
};

const namesOf = (variables: Record<string, string>) =>
  requestedEnvironments(variables, TODAY).requests.map(({ name }) => name);
const environmentsOf = (variables: Record<string, string>) =>
  requestedEnvironments(variables, TODAY).requests.map(({ resolve }) => resolve());

it("is dev, staging and prod", () => {
  expect(namesOf({})).toEqual(["dev", "staging", "prod"]);
  expect(requestedEnvironments({}, TODAY)).toMatchObject({ areNamed: false });
});

it("adds the sandbox that the variables say", () => {
  expect(namesOf(SANDBOX)).toEqual(["dev", "staging", "prod", "sandbox"]);
  expect(environmentsOf(SANDBOX).at(-1)?.name).toMatch(/^sbx/);
});

it("fails on half a sandbox, which stops no other environment, and says what is missing", () => {
  const [, , , sandbox] = requestedEnvironments({ ...SANDBOX, ORDER_TRACKING_SANDBOX_BRANCH: "" }, TODAY).requests;

  expect(() => sandbox?.resolve()).toThrow(
    "a sandbox needs an owner, a branch and an expiry: set ORDER_TRACKING_SANDBOX_BRANCH",
  );
});

describe("by name", () => {
  const named = (names: string, more: Record<string, string> = {}) => ({ ORDER_TRACKING_ENVIRONMENTS: names, ...more });

  it("is what the variable names, and nothing else", () => {
    expect(namesOf(named("prod, dev,prod", SANDBOX))).toEqual(["prod", "dev"]);
    expect(requestedEnvironments(named("dev"), TODAY)).toMatchObject({ areNamed: true });
  });

  it("knows the sandbox by that word, and by its own name", () => {
    const [sandbox] = environmentsOf(named("sandbox", SANDBOX));

    expect(environmentsOf(named(String(sandbox?.name), SANDBOX))).toEqual([sandbox]);
  });

  it("fails on a sandbox that nothing says", () => {
    expect(() => environmentsOf(named("sandbox"))).toThrow("set ORDER_TRACKING_SANDBOX_OWNER and ");
  });

  it.each([
    ["accepts", "2027-02-22"],
    ["fails on", "2027-02-23"],
    // It can still be destroyed.
    ["accepts", "2020-01-01"],
  ])("%s a sandbox that lives until %s", (outcome, expiresOn) => {
    const resolve = () =>
      environmentsOf(named("sandbox", { ...SANDBOX, ORDER_TRACKING_SANDBOX_EXPIRES_ON: expiresOn }));

    if (outcome === "accepts") expect(resolve()).toMatchObject([{ expiresOn }]);
    else
      expect(resolve).toThrow(`ORDER_TRACKING_SANDBOX_EXPIRES_ON is ${expiresOn}: it must be at most 90 days from now`);
  });

  it("fails on a name that there is not, with those that there are", () => {
    expect(() => namesOf(named("dev,qa"))).toThrow(
      "there is no environment qa; there are: dev, staging, prod, sandbox",
    );
  });

  it("is everything where the variable is empty", () => {
    expect(namesOf(named(" "))).toEqual(["dev", "staging", "prod"]);
  });
});

it("gives each environment its own subscription, and dev's to the sandbox", () => {
  const variables = { ...SANDBOX, ORDER_TRACKING_DEV_SUBSCRIPTION_ID: SUBSCRIPTION_ID };

  expect(environmentsOf(variables).map(({ subscriptionId }) => subscriptionId)).toEqual([
    SUBSCRIPTION_ID,
    undefined,
    undefined,
    SUBSCRIPTION_ID,
  ]);
});

describe("where the process names a workspace of Databricks", () => {
  const HOST = { DATABRICKS_HOST: "https://adb-1.1.azuredatabricks.net" };
  const known = (variables: Record<string, string>) => ({
    ...variables,
    ORDER_TRACKING_ENVIRONMENTS: "dev",
    ORDER_TRACKING_DEV_SUBSCRIPTION_ID: SUBSCRIPTION_ID,
  });

  it.each([
    ["DATABRICKS_HOST", HOST],
    ["DATABRICKS_CONFIG_PROFILE", { DATABRICKS_CONFIG_PROFILE: "elsewhere" }],
    ["DATABRICKS_HOST", { ...HOST, DATABRICKS_AUTH_TYPE: "azure-cli" }],
  ])("fails on %s, which the provider would use in place of the environment's own", (name, variables) => {
    expect(() => environmentsOf(known(variables))).toThrow(
      new RegExp(`^${name} is .*Unset it: the workspace follows from ORDER_TRACKING_DEV_SUBSCRIPTION_ID`),
    );
  });

  it("fails on it for a sandbox as well, which would be taken down elsewhere", () => {
    const variables = { ...known({ ...SANDBOX, ...HOST }), ORDER_TRACKING_ENVIRONMENTS: "sandbox" };

    expect(() => environmentsOf(variables)).toThrow("DATABRICKS_HOST is https://adb-1.1.azuredatabricks.net, and ");
  });

  it.each(["github-oidc-azure", "pat"])(
    "takes it for meant with the sign-in %s, which finds none itself",
    (authType) => {
      expect(environmentsOf(known({ ...HOST, DATABRICKS_AUTH_TYPE: authType }))).toMatchObject([{ name: "dev" }]);
    },
  );

  it("needs it to plan while the subscription is unknown", () => {
    expect(environmentsOf(HOST)).toHaveLength(3);
  });

  it("takes an empty variable for none, as a workflow sets it before the workspace is there", () => {
    expect(environmentsOf(known({ DATABRICKS_HOST: "" }))).toMatchObject([{ name: "dev" }]);
  });
});

it("pauses the trigger in dev only, and lets only dev lose data", () => {
  const [dev, ...others] = environmentsOf({});

  expect(dev).toMatchObject({ triggerPaused: true, disposable: true });
  expect(others.every(({ triggerPaused, disposable }) => !triggerPaused && !disposable)).toBe(true);
});

it("tells somebody of a failed run wherever the trigger is on", () => {
  const running = environmentsOf({}).filter(({ triggerPaused }) => !triggerPaused);

  expect(running.every(({ notifications }) => notifications.emails.length > 0)).toBe(true);
});
