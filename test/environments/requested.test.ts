import { requestedEnvironments } from "../../environments/requested.ts";
import { SUBSCRIPTION_ID } from "../synthesized.ts";

const SANDBOX = {
  ORDER_TRACKING_SANDBOX_OWNER: "anna",
  ORDER_TRACKING_SANDBOX_BRANCH: "main",
  ORDER_TRACKING_SANDBOX_EXPIRES_ON: "2026-12-24",
};

const namesOf = (variables: Record<string, string>) => requestedEnvironments(variables).map(({ name }) => name);

it("is dev, staging and prod", () => {
  expect(namesOf({})).toEqual(["dev", "staging", "prod"]);
});

it("adds the sandbox that the variables ask for", () => {
  expect(namesOf(SANDBOX)).toEqual(["dev", "staging", "prod", expect.stringMatching(/^sbx/)]);
});

it("fails on half a request, and says what is missing", () => {
  expect(() => requestedEnvironments({ ...SANDBOX, ORDER_TRACKING_SANDBOX_BRANCH: "" })).toThrow(
    "a sandbox needs an owner, a branch and an expiry: set ORDER_TRACKING_SANDBOX_BRANCH",
  );
});

it("gives each environment its own subscription, and dev's to the sandbox", () => {
  const variables = { ...SANDBOX, ORDER_TRACKING_DEV_SUBSCRIPTION_ID: SUBSCRIPTION_ID };

  expect(requestedEnvironments(variables).map(({ subscriptionId }) => subscriptionId)).toEqual([
    SUBSCRIPTION_ID,
    undefined,
    undefined,
    SUBSCRIPTION_ID,
  ]);
});

it("pauses the trigger in dev only, and lets only dev lose data", () => {
  const [dev, ...others] = requestedEnvironments({});

  expect(dev).toMatchObject({ triggerPaused: true, disposable: true });
  expect(others.every(({ triggerPaused, disposable }) => !triggerPaused && !disposable)).toBe(true);
});

it("tells somebody of a failed run wherever the trigger is on", () => {
  const running = requestedEnvironments({}).filter(({ triggerPaused }) => !triggerPaused);

  expect(running.every(({ notifications }) => notifications.emails.length > 0)).toBe(true);
});
