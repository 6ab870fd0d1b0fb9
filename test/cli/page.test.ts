import { rmSync } from "node:fs";
import path from "node:path";
import { openHome } from "../../local/home.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { orderTracking } from "./order-tracking.ts";

test("page prints its address, and ends with Ctrl-C", async () => {
  const home = openHome(path.join(temporaryFolder(), "home"));
  const { code, stdout } = await orderTracking(["page", "--port", "0", "--home", home.directory], (printed) =>
    printed.includes("Ctrl-C ends it."),
  );
  expect(stdout).toMatch(/^The page is at http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/m);
  expect(code).toBe(0);
  rmSync(path.dirname(home.directory), { recursive: true });
}, 60_000);
