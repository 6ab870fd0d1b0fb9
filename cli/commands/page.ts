/** `order-tracking page`: a page that shows a home's orders, files and runs in a browser. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { findHome } from "../../local/home.ts";
import { startPage, WITHOUT_A_BROWSER } from "../../page/server.ts";
import { SparkTables } from "../../page/tables.ts";
import { homeOption, parseArguments, UsageError, userPath } from "../arguments.ts";
import { untilInterrupted } from "../interruption.ts";

export const usage = `Usage: npm run -s order-tracking -- page [--port N] [--home DIR]

Serves a page on this machine that shows where an order is, how the loads go, and what came in, and opens it in a
browser where there is one. It goes on while files are loaded, and shows what changes. Ctrl-C ends it.
Only who has the address that it prints can see it. The browser is started with another one, which works once, within
30 seconds, since others on this machine can read it. A line here says when that was used.

  --port N    where it listens on this machine (default: 8872)
  --home DIR  where the volume and the tables live (default: .local)
`;

/** Serves until it is interrupted. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArguments({
    args: [...args],
    options: { ...homeOption, port: { type: "string", default: "8872" } },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError(`--port ${values.port}: give a port`);
  const home = findHome(userPath(values.home));
  return untilInterrupted(async (interrupted) => {
    const tables = new SparkTables(home);
    const onOpened = () => {
      console.log(
        "A browser has opened the page. If none did here, somebody else sees it: end it with Ctrl-C, and " +
          WITHOUT_A_BROWSER,
      );
    };
    const page = await startPage({ home, tables, onOpened }, port);
    try {
      console.log(`The page is at ${page.url}\nCtrl-C ends it.`);
      openBrowser(page.urlForOnce);
      if (!interrupted.aborted) await once(interrupted, "abort");
      return 0;
    } finally {
      await page.close();
      await tables.close();
    }
  });
}

/** Opens an address where somebody sits at a screen; where that fails, the address is printed anyway. */
function openBrowser(url: string): void {
  const { DISPLAY, WAYLAND_DISPLAY, SSH_CONNECTION } = process.env;
  const isMac = process.platform === "darwin";
  if (!process.stdout.isTTY || SSH_CONNECTION || !(isMac || DISPLAY || WAYLAND_DISPLAY)) return;
  spawn(isMac ? "open" : "xdg-open", [url], { stdio: "ignore", detached: true })
    .on("error", () => undefined)
    .unref();
}
