import { mkdirSync } from "node:fs";
import path from "node:path";
import { planFromNothing } from "../../deploy/plan-from-nothing.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

it("fails where there is no Terraform, with where to get it", async () => {
  const output = temporaryFolder();
  mkdirSync(path.join(output, "stacks", "tiny-platform"), { recursive: true });
  const { PATH } = process.env;
  process.env.PATH = output;
  try {
    await expect(planFromNothing(output)).rejects.toThrow(
      "Terraform was not found: install 1.5 or newer from https://",
    );
  } finally {
    process.env.PATH = PATH;
  }
});
