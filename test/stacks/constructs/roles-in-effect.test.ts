import { spawnSync } from "node:child_process";
import { MINIMAL, only, synthesize } from "../../synthesized.ts";

it("waits with a command that runs, and takes more than two minutes", () => {
  const { provisioner } = only(synthesize(MINIMAL).platform, "terraform_data") as {
    provisioner: { "local-exec": { interpreter: [string, ...string[]]; command: string } }[];
  };
  const { interpreter, command } = provisioner[0]?.["local-exec"] ?? { interpreter: [""], command: "" };
  const [program, ...options] = interpreter;

  const { error, signal } = spawnSync(program, [...options, command], { timeout: 1000 });

  expect([signal, (error as NodeJS.ErrnoException).code]).toEqual(["SIGTERM", "ETIMEDOUT"]);
  expect(Number(/\d{4,}/.exec(command)?.[0])).toBeGreaterThan(120_000);
});
