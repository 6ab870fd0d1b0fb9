/** `lock`, with a program in Terraform's place. What it asks for is in test/deploy/lock-providers.test.ts. */
import { existsSync } from "node:fs";
import path from "node:path";
import { MadeUpTerraform } from "./made-up-terraform.ts";
import { orderTracking } from "./order-tracking.ts";

jest.setTimeout(60_000);

test("leaves the checkout as it was where the registry cannot be reached, and says so", async () => {
  const lockFile = path.join(__dirname, "../../.terraform.lock.hcl");
  const wasThere = existsSync(lockFile);
  const terraform = new MadeUpTerraform();
  terraform.answer({ failing: "providers" });

  const { code, stdout, stderr } = await orderTracking(["lock"]);

  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain("no luck");
  expect(existsSync(lockFile)).toBe(wasThere);
  terraform.remove();
});
