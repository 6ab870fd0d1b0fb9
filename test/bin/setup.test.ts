import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { releaseLock, takeLock } from "../../bin/lock.mjs";
import { temporaryFolder } from "../local/stack-on-disk.ts";

test("a second set-up of a checkout waits for the first one, says so, and finds that nothing is left to do", async () => {
  const checkout = temporaryFolder();
  const lock = path.join(checkout, ".setup-lock");
  const packages = JSON.stringify({ packages: { "node_modules/a": { version: "1.0.0" } } });
  cpSync(path.join(__dirname, "../../bin"), path.join(checkout, "bin"), { recursive: true });
  writeFileSync(path.join(checkout, "package-lock.json"), packages);
  expect(takeLock(lock)).toBeUndefined();

  const setup = pathToFileURL(path.join(checkout, "bin", "setup.mjs")).href;
  const code = `import { setUpNode } from ${JSON.stringify(setup)}; await setUpNode();`;
  const second = spawn(process.execPath, ["--input-type=module", "--eval", code]);
  const ended = new Promise((resolve) => second.on("close", resolve));
  let said = "";
  await new Promise<void>((resolve) => {
    second.stderr.on("data", (text: Buffer) => {
      said += text.toString();
      resolve();
    });
  });
  mkdirSync(path.join(checkout, "node_modules"));
  writeFileSync(path.join(checkout, "node_modules", ".package-lock.json"), packages);
  releaseLock(lock);

  expect(await ended).toBe(0);
  expect(said).toBe(`Process ${process.pid} is setting this checkout up: waiting for it ...\n`);
  expect(existsSync(lock)).toBe(false);
  rmSync(checkout, { recursive: true });
});
