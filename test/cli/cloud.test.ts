import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { LASTING } from "../../environments/requested.ts";
import { orderTracking } from "./order-tracking.ts";

const root = path.dirname(path.dirname(__dirname));

describe("order-tracking cloud", () => {
  it("serves a cloud until it is interrupted, says how to deploy to it, and is left alone by a second one", async () => {
    const child = spawn(process.execPath, ["--import", "tsx", "cli/main.ts", "cloud", "--port", "0"], { cwd: root });
    let said = "";
    const address = await new Promise<string>((resolve) =>
      child.stdout.on("data", (text: Buffer) => {
        said += text.toString();
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
        if (found && said.includes("cdktf destroy")) resolve(found);
      }),
    );

    const page = await (await fetch(address)).text();
    const script = path.join(root, /source (\S+)/.exec(said)?.[1] ?? "");
    const second = await orderTracking(["cloud", "--port", "0"]);
    const variables = readFileSync(script, "utf8");
    child.kill("SIGINT");
    const code = await new Promise((resolve) => child.on("close", resolve));

    expect(page).toContain("Nothing is deployed yet.");
    expect(code).toBe(0);
    expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining("is such a stand-in already") as string });
    expect(variables).toContain(`export HTTPS_PROXY='${address}'`);
    for (const { subscriptionIdVariable } of LASTING) expect(variables).toContain(`export ${subscriptionIdVariable}=`);
  }, 60_000);
});
