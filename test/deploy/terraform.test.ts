import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { az } from "../../deploy/azure-cli.ts";
import { terraform } from "../../deploy/terraform.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

it("fails where there is no Terraform, with where to get it", async () => {
  const folder = temporaryFolder();
  await expect(terraform(folder, ["version"], { variables: { PATH: folder } })).rejects.toThrow(
    "Terraform was not found: install 1.5 or newer from https://",
  );
});

it.each(["terraform", "az"])("reads what %s says whole, wherever it is cut on its way", async (name) => {
  const folder = temporaryFolder();
  const [first, rest] = [
    [0x22, 0xc3],
    [0xa9, 0x22],
  ].map((bytes) => `process.stdout.write(Buffer.from([${bytes.join()}]))`);
  const program = `#!${process.execPath}\n${first};\nsetTimeout(() => ${rest}, 200);\n`;
  writeFileSync(path.join(folder, name), program);
  chmodSync(path.join(folder, name), 0o755);
  const before = process.env;
  process.env = { ...before, PATH: folder };
  try {
    const ofAz = name === "az" ? await az({ command: "x", options: {} }) : undefined;
    expect(ofAz ?? (JSON.parse((await terraform(folder, [])).stdout) as unknown)).toBe("é");
  } finally {
    process.env = before;
  }
});
