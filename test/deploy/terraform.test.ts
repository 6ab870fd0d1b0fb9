import { terraform } from "../../deploy/terraform.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

it("fails where there is no Terraform, with where to get it", async () => {
  const folder = temporaryFolder();
  await expect(terraform(folder, ["version"], { variables: { PATH: folder } })).rejects.toThrow(
    "Terraform was not found: install 1.5 or newer from https://",
  );
});
