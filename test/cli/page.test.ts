import childProcess from "node:child_process";
import path from "node:path";
import { run } from "../../cli/commands/page.ts";
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
}, 60_000);

test("page says when the address was used with which it starts a browser", async () => {
  const home = openHome(path.join(temporaryFolder(), "home"));
  const { stdout } = process;
  const { isTTY } = stdout;
  Object.assign(stdout, { isTTY: true });
  const env = jest.replaceProperty(process, "env", { ...process.env, DISPLAY: ":0", SSH_CONNECTION: "" });
  const print = jest.spyOn(console, "log").mockImplementation();
  const said = () => print.mock.calls.flat().join("\n");
  const spawn = jest.spyOn(childProcess, "spawn");
  const address = new Promise<string>((resolve) => {
    spawn.mockImplementation((_program: string, [url]: readonly string[] = []) => {
      resolve(url ?? "");
      const browser = { on: () => browser, unref: () => undefined };
      return browser as unknown as childProcess.ChildProcess;
    });
  });
  const ended = run(["--port", "0", "--home", home.directory]);
  try {
    const url = await Promise.race([address, ended.then(() => "")]);
    expect(said()).not.toContain("A browser has opened the page");
    await fetch(url, { redirect: "manual" });
    expect(said()).toContain("A browser has opened the page. If none did here, somebody else sees it: end it");
  } finally {
    process.emit("SIGINT");
    await ended;
    Object.assign(stdout, { isTTY });
    env.restore();
    for (const spy of [print, spawn]) spy.mockRestore();
  }
});
