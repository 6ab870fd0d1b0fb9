import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.dirname(path.dirname(__dirname));

describe("order-tracking cloud", () => {
  it("serves a cloud until it is interrupted, and says how to deploy to it", async () => {
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
    child.kill("SIGINT");
    const code = await new Promise((resolve) => child.on("close", resolve));

    expect(page).toContain("Nothing is deployed yet.");
    expect(code).toBe(0);
    const script = path.join(root, /source (\S+)/.exec(said)?.[1] ?? "");
    expect(readFileSync(script, "utf8")).toContain(`export HTTPS_PROXY='${address}'`);
  }, 30_000);
});
