import { spawnSync } from "node:child_process";
import { MINIMAL, only, synthesize } from "../../synthesized.ts";

let call: { readonly program: string; readonly args: readonly string[] };

beforeAll(() => {
  const { provisioner } = only(synthesize(MINIMAL).platform, "terraform_data") as {
    provisioner: { "local-exec": { interpreter: [string, ...string[]]; command: string } }[];
  };
  const { interpreter, command } = provisioner[0]?.["local-exec"] ?? { interpreter: [""], command: "" };
  const [program, ...options] = interpreter;
  call = { program, args: [...options, command] };
});

/** Runs the command as Terraform does, for a second. */
function wait(seconds: string | undefined) {
  const env = { ...process.env, ORDER_TRACKING_ROLE_WAIT_SECONDS: seconds };
  const { status, signal, stderr } = spawnSync(call.program, call.args, { timeout: 1000, encoding: "utf8", env });
  return { status, signal, stderr };
}

it("waits for longer than a test does, two and a half minutes if nothing else is said", () => {
  expect(wait(undefined)).toMatchObject({ signal: "SIGTERM", stderr: "" });
  expect(call.args.at(-1)).toContain("|| 150)");
});

it("waits for as long as the variable says", () => {
  expect(wait("0")).toEqual({ status: 0, signal: null, stderr: "" });
  expect(wait("0.2")).toEqual({ status: 0, signal: null, stderr: "" });
  expect(wait("600")).toMatchObject({ signal: "SIGTERM" });
});

it.each(["601", "-1", "a while"])("fails on %s seconds, with the variable's name", (seconds) => {
  expect(wait(seconds)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("ORDER_TRACKING_ROLE_WAIT_SECONDS must be 0 to 600") as string,
  });
});

it("holds nothing that Terraform would fill in", () => {
  expect(call.args.at(-1)).not.toMatch(/[$%]\{/);
});
