import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContext, Page as Tab } from "playwright-core";
import { type Page, startPage } from "../../page/server.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { findChromium, startChromium } from "./browser.ts";
import { BATCH, samplePage } from "./sample-page.ts";

// As people see it: a real browser, on what a page shows of a home that has seen a few days.
jest.setTimeout(120_000);

const executable = findChromium();
const VIEWS = ["", "?order=TRK100009", "?order=TRK10001", "going", "arrivals", "azure"];
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

if (executable === undefined) {
  test.skip("the page in a browser (skipped: there is no Chromium on this machine)", () => undefined);
} else {
  describe("the page in a browser", () => {
    const folder = temporaryFolder();
    const sample = samplePage(path.join(folder, "home"));
    let page: Page;
    let browser: Browser;
    let context: BrowserContext;
    let tab: Tab;
    const complaints: string[] = [];
    const delivered: string[] = [];

    beforeAll(async () => {
      page = await startPage(sample, 0);
      browser = await startChromium(executable);
      context = await browser.newContext();
    });
    afterAll(async () => {
      await browser.close();
      await page.close();
    });
    beforeEach(async () => {
      tab = await context.newPage();
      tab.on("console", (message) => complaints.push(message.text()));
      tab.on("pageerror", ({ message }) => complaints.push(message));
    });
    afterEach(async () => {
      await tab.close();
      for (const file of delivered.splice(0)) rmSync(file);
      // Also what the policy for content has refused.
      expect(complaints).toEqual([]);
    });

    /** Waits until all parts are there that are not in something closed. */
    const untilShown = () =>
      tab.waitForSelector('[aria-busy="true"]:not(details:not([open]) [data-part])', { state: "detached" });
    const open = async (view: string) => {
      await tab.goto(page.url + view);
      await untilShown();
    };

    /** Puts a file into the landing directory until the test ends: the page names only a few of those that wait. */
    const deliver = (name: string) => {
      const file = path.join(sample.home.volume, "file_arrival", name);
      writeFileSync(file, "");
      delivered.push(file);
    };

    it("asks ahead for what other views show, once it is quiet", async () => {
      const asked: string[] = [];
      tab.on("request", (request) => asked.push(new URL(request.url()).pathname.replace(/^.*\/parts\//, "")));
      await open("");
      expect(asked).not.toContain("today");
      await tab.waitForRequest((request) => request.url().endsWith("parts/files"));
      expect(asked).toEqual(expect.arrayContaining(["today", "widget", "rejected", "runs"]));
    });

    describe("a person without a manual", () => {
      it("finds an order by a part of its number, in two clicks", async () => {
        await open("");
        await tab.getByLabel("Tracking number or order number").fill("2009");
        await tab.getByRole("button", { name: "Find" }).click();
        await tab.getByRole("heading", { name: "TRK100009" }).waitFor();
        expect(await tab.locator(".order .status").textContent()).toBe("DELIVERED");
        expect(await tab.locator(".way > li strong").allTextContents()).toEqual([
          "LABEL_PRINTED",
          "RECEIVED",
          "SHIPPED",
          "DELIVERED",
        ]);
        expect(await tab.locator(".way > li").first().textContent()).toMatch(/late\.csv.*it only filled in the way/);
      });

      it("finds out why a file was rejected, in two clicks", async () => {
        await open("");
        await tab.getByRole("link", { name: "What came in?" }).click();
        await tab.getByText("Rejected because the header has no column tracking_num").waitFor();
        await tab.getByText("How it begins").click();
        expect(await tab.locator("pre").textContent()).toBe("colour,size\nred,7\n<b>blue</b>,8\n");
      });

      it("sees whether today's load is normal, in one click", async () => {
        await open("");
        await tab.getByRole("link", { name: "How is it going?" }).click();
        await tab.getByRole("heading", { name: "Today’s load needs a look" }).waitFor();
        expect(await tab.locator(".today .bad").textContent()).toContain("1 file rejected");
      });
    });

    it("shows quarantined rows by reason, as they were sent, and never obeys them", async () => {
      await open("arrivals");
      await tab.getByText("received_date: received_date is not a date").click();
      await tab.getByText('"note":"<script>alert(1)</script>"').waitFor();
    });

    it("loads a rejected file again, once it was asked twice", async () => {
      await open("arrivals");
      const button = tab.getByRole("button", { name: "Load colours.csv again" });
      tab.once("dialog", (dialog) => void dialog.dismiss());
      await button.click();
      expect(sample.replays.asked).toEqual([]);
      tab.once("dialog", (dialog) => void dialog.accept());
      const answered = tab.waitForResponse(/replay$/);
      await button.click();
      expect((await answered).status()).toBe(202);
      expect(sample.replays.asked).toEqual([{ source: "rejected", file: `${BATCH}/colours.csv` }]);
    });

    it("shows a file that arrives, without a click, and keeps what was opened open", async () => {
      await open("arrivals");
      await tab.getByText("How it begins").click();
      deliver("just-now.csv");
      await tab.getByText("just-now.csv").waitFor();
      expect(await tab.locator("pre").isVisible()).toBe(true);
      expect(await tab.getByRole("status").textContent()).toMatch(/^Updated at /);
    });

    it("shows what changes after something that could not be shown", async () => {
      await open("arrivals");
      await tab.route(/parts\/now$/, (route) => route.fulfill({ body: '<canvas data-chart="no JSON"></canvas>' }), {
        times: 1,
      });
      deliver("not-shown.csv");
      await tab.getByText("A part of the page could not be shown").waitFor();
      deliver("shown.csv");
      await tab.locator("code", { hasText: /^shown\.csv$/ }).waitFor();
    });

    it("says in place of a part that it was not answered", async () => {
      await tab.route(/parts\/runs$/, (route) => route.fulfill({ status: 500 }));
      await open("arrivals");
      expect(await tab.getByRole("region", { name: "Runs", exact: true }).textContent()).toMatch(
        /^This was not answered\. Load the page again/,
      );
      // The browser's own, of an answer that is an error.
      expect(complaints.splice(0)).toEqual([expect.stringContaining("500")]);
    });

    it("says that some of it is old where a part that is shown is not answered any more, until it is again", async () => {
      await open("arrivals");
      const said = tab.getByRole("status");
      await tab.route(/parts\/runs$/, (route) => route.fulfill({ status: 500 }), { times: 1 });
      deliver("not-all.csv");
      await tab.getByText("Some of the page is not up to date").waitFor();
      expect(await tab.getByRole("figure").count()).toBeGreaterThan(0);
      deliver("all.csv");
      await said.getByText(/^Updated at /).waitFor();
      expect(complaints.splice(0)).toEqual([expect.stringContaining("500")]);
    });

    it("says of what is opened again whether it is old, and that the page is up to date only where all of it is", async () => {
      await open("arrivals");
      const said = tab.getByRole("status");
      const reason = tab.getByText("received_date: received_date is not a date");
      const [runs, rows] = [/parts\/runs$/, /parts\/rows/];
      const openAgain = async () => {
        await reason.click();
        await reason.click();
      };
      await reason.click();
      await tab.getByText('"note":').waitFor();
      await tab.route(rows, (route) => route.fulfill({ status: 500 }), { times: 1 });
      await openAgain();
      await tab.getByText("Some of the page is not up to date").waitFor();
      await openAgain();
      await said.getByText(/^Updated at /).waitFor();

      await tab.route(runs, (route) => route.fulfill({ status: 500 }));
      deliver("not-all-runs.csv");
      await tab.getByText("Some of the page is not up to date").waitFor();
      await tab.route(rows, (route) => route.fulfill({ body: "<p>Other rows</p>" }), { times: 1 });
      await openAgain();
      await tab.getByText("Other rows").waitFor();
      expect(await said.textContent()).toMatch(/^Some of the page is not up to date/);
      // One of the rows, and of the runs as many as there were changes.
      expect(complaints.splice(0).filter((each) => !each.includes("500"))).toEqual([]);
    });

    it("catches up with what has changed while it was not told of changes", async () => {
      // A connection that ends at once; the browser asks for the next one after a second.
      await tab.route(
        /changes$/,
        (route) => route.fulfill({ contentType: "text/event-stream", body: "retry: 1000\n\n" }),
        {
          times: 1,
        },
      );
      await open("arrivals");
      await tab.getByText("its command has ended").waitFor();
      deliver("meanwhile.csv");
      await tab.getByText("meanwhile.csv").waitFor();
      expect(await tab.getByRole("status").textContent()).toMatch(/^(Updated at .*)?$/);
    });

    it("is told of changes only while it is looked at, and then catches up", async () => {
      const turn = (hidden: boolean) =>
        tab.evaluate(`Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));`);
      await open("arrivals");
      const ended = tab.waitForEvent("requestfailed", (request) => request.url().endsWith("changes"));
      await turn(true);
      await ended;
      deliver("unseen.csv");
      await turn(false);
      await tab.getByText("unseen.csv").waitFor();
      deliver("seen.csv");
      await tab.locator("code", { hasText: /^seen\.csv$/ }).waitFor();
    });

    it("draws the charts of the dashboard", async () => {
      await open("going");
      const drawn = await tab.evaluate<boolean[]>(`[...document.querySelectorAll("canvas")].map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return new Set(data).size > 10;
      })`);
      expect(drawn).toEqual([true, true, true]);
    });

    it("can be used with a keyboard alone", async () => {
      await open("");
      await tab.getByLabel("Tracking number or order number").press("Shift+Tab");
      for (let presses = 0; presses < 4; presses += 1) await tab.keyboard.press("Shift+Tab");
      expect(await tab.evaluate("document.activeElement.textContent")).toBe("To the content");
      await tab.keyboard.press("Tab");
      await tab.keyboard.press("Tab");
      await tab.keyboard.press("Enter");
      await tab.waitForURL(/going$/);
    });

    it.each(VIEWS)("view /%s fits a phone, a tablet and a screen, and axe finds nothing serious", async (view) => {
      // In both themes. Without transitions, or colours would be looked at that are on their way to the other one.
      const turn = (colorScheme: "light" | "dark") => tab.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await turn("dark");
      await open(view);
      const backgrounds = new Set<string>();
      for (const theme of ["dark", "light"] as const) {
        await turn(theme);
        backgrounds.add(await tab.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor"));
        for (const width of [390, 768, 1280]) {
          await tab.setViewportSize({ width, height: 900 });
          const overflow = await tab.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
          expect([theme, width, Math.max(overflow, 0)]).toEqual([theme, width, 0]);
        }
      }
      expect(backgrounds.size).toBe(2);
      await tab.evaluate("document.querySelectorAll('details').forEach((details) => (details.open = true))");
      await untilShown();
      await tab.evaluate(axe);
      for (const theme of ["light", "dark"] as const) {
        await turn(theme);
        const { violations } = await tab.evaluate<AxeResults>("axe.run()");
        const found = violations
          .filter(({ impact }) => impact === "serious" || impact === "critical")
          .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        expect([theme, found]).toEqual([theme, []]);
      }
    });
  });
}
