import { mkdirSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { openHome, type Home } from "../../local/home.ts";
import { type Page, refusalOf, startPage } from "../../page/server.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { fakeTables } from "./fake-tables.ts";

const folder = temporaryFolder();
let home: Home;
let page: Page;
beforeAll(async () => {
  home = openHome(path.join(folder, "home"));
  mkdirSync(path.join(home.volume, "file_arrival"));
  const newest_orders = [{ tracking_num: "T<1>", order_num: null, status: "NEW", last_update_timestamp: "2026-11-20" }];
  const quarantine = [{ file: "@a.csv", row_number: -1, raw_row: '=HYPERLINK("http://localhost/?"&A1,"open")' }];
  page = await startPage({ home, tables: fakeTables({ newest_orders, quarantine }) }, 0);
});
afterAll(async () => {
  await page.close();
});

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Asks as a browser does, but with whatever headers: `fetch` would not send them. */
async function ask(url: string, headers: Readonly<Record<string, string>> = {}, method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    http
      .request(url, { method, headers, agent: false }, (response) => {
        let body = "";
        response.on("data", (text: Buffer) => (body += text.toString()));
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      })
      .on("error", reject)
      .end();
  });
}

const addressed = (below: string) => new URL(below, page.url).href;

describe("who may see the page", () => {
  it("is shown to who has the address", async () => {
    const { status, body } = await ask(page.url);
    expect(status).toBe(200);
    expect(body).toContain("<h1>Where is it?</h1>");
  });

  it.each(["", "assets/page.css", "parts/order", "changes", "no-such-thing"])(
    "hides /%s from who has another token, or none",
    async (below) => {
      const origin = new URL(page.url).origin;
      for (const url of [`${origin}/${below}`, `${origin}/${"x".repeat(32)}/${below}`]) {
        expect(await ask(url)).toMatchObject({ status: 404, body: "There is no such page.\n" });
      }
    },
  );

  it.each([
    ["is no text", "%zz"],
    ["is no text in its end", "once/%zz"],
    ["is too long", `once/${"x".repeat(101)}`],
  ])("hides an address that %s", async (_, below) => {
    const { status, headers, body } = await ask(`${new URL(page.url).origin}/${below}`);
    expect({ status, body }).toEqual({ status: 404, body: "There is no such page.\n" });
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
  });

  it.each([
    ["another Host, as after DNS rebinding", { host: "orders.example.com" }],
    ["this Host at another port", { host: "127.0.0.1:1" }],
    ["the Origin of another page", { origin: "http://localhost:3000" }],
    ["the Origin of no page", { origin: "null" }],
    ["a page of another site", { "sec-fetch-site": "cross-site" }],
    ["a page at another port", { "sec-fetch-site": "same-site" }],
  ])("refuses %s, even with the token", async (_, headers) => {
    for (const below of ["", "parts/order", "assets/page.mjs", "changes"]) {
      expect((await ask(addressed(below), headers)).status).toBe(403);
    }
  });

  it.each([
    [80, "127.0.0.1", true],
    [80, "localhost:80", true],
    [80, "orders.example.com", false],
    [8872, "127.0.0.1", false],
  ])("at port %d: Host %s, which clients write without the port of web servers, is answered: %s", (port, host, is) => {
    expect(refusalOf({ headers: { host } }, port) === undefined).toBe(is);
  });

  it("is reached as localhost, too", async () => {
    const { port } = new URL(page.url);
    expect((await ask(page.url, { host: `localhost:${port}` })).status).toBe(200);
  });

  it("listens on loopback only", () => {
    expect(new URL(page.url).hostname).toBe("127.0.0.1");
  });

  it("leads to the page from an address that starts a browser, once, and tells of it", async () => {
    const onOpened = jest.fn();
    const another = await startPage({ home, tables: fakeTables({}), onOpened }, 0);
    try {
      expect((await ask(another.urlForOnce, {}, "HEAD")).status).toBe(404);
      expect(onOpened).not.toHaveBeenCalled();
      const first = await ask(another.urlForOnce);
      expect(first).toMatchObject({ status: 302, headers: { location: new URL(another.url).pathname } });
      const second = await ask(another.urlForOnce);
      expect(second.status).toBe(410);
      expect(second.body).toContain("If that was not you, another person on this machine sees the page: stop it");
      expect((await ask(`${new URL(another.url).origin}/once/${"x".repeat(32)}`)).status).toBe(404);
      expect(onOpened).toHaveBeenCalledTimes(1);
    } finally {
      await another.close();
    }
  });

  it("leads nobody to the page from that address after half a minute, and says where the page is", async () => {
    const onOpened = jest.fn();
    const another = await startPage({ home, tables: fakeTables({}), onOpened }, 0);
    const inHalfAMinute = performance.now() + 30_001;
    const clock = jest.spyOn(performance, "now").mockReturnValue(inHalfAMinute);
    try {
      const { status, headers, body } = await ask(another.urlForOnce);
      expect(status).toBe(410);
      expect(headers.location).toBeUndefined();
      expect(body).toContain("Open the address that the page has printed where you started it");
      expect(onOpened).not.toHaveBeenCalled();
    } finally {
      clock.mockRestore();
      await another.close();
    }
  });

  it.each(["POST", "PUT", "DELETE"])("changes nothing: %s is not known", async (method) => {
    for (const below of ["", "parts/order", "rejected"])
      expect((await ask(addressed(below), {}, method)).status).toBe(404);
  });
});

describe("what a browser gets", () => {
  it("allows nothing inline, nothing from a network, and no frame around it", async () => {
    for (const below of ["", "parts/order", "assets/page.css"]) {
      const { headers } = await ask(addressed(below));
      expect(headers["content-security-policy"]).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
      expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
      expect(headers["cross-origin-resource-policy"]).toBe("same-origin");
    }
  });

  it.each(["pico.css", "chart.js", "page.css", "page.mjs"])("has %s from this machine", async (name) => {
    const { status, body } = await ask(addressed(`assets/${name}`));
    expect(status).toBe(200);
    expect(body.length).toBeGreaterThan(500);
  });

  it.each(["../server.ts", "..%2Fserver.ts", "constructor", "pico.css/../../server.ts"])(
    "has no other file: %s",
    async (name) => {
      expect((await ask(`${page.url}assets/${name}`)).status).toBe(404);
    },
  );

  it("shows what others have sent as text", async () => {
    const { body } = await ask(addressed("parts/order"));
    expect(body).toContain(">T&lt;1&gt;</a>");
    expect(body).toContain('href="./?order=T%3C1%3E"');
  });

  it("downloads the quarantine without what a spreadsheet would work out", async () => {
    const { headers, body } = await ask(addressed("quarantine.csv"));
    expect(headers["content-disposition"]).toBe("attachment; filename*=UTF-8''quarantine.csv");
    expect(body).toBe(`file,row_number,raw_row\r\n'@a.csv,-1,"'=HYPERLINK(""http://localhost/?""&A1,""open"")"\r\n`);
  });

  it("says in place of a part why it cannot be shown", async () => {
    const { status, body } = await ask(addressed("parts/order?order=T1"));
    expect(status).toBe(200);
    expect(body).toContain("This cannot be shown: nothing is known of order");
  });
});

it("tells of files that arrive", async () => {
  const { body } = await fetch(addressed("changes"));
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe(": listening\n\n");
  writeFileSync(path.join(home.volume, "file_arrival", "new.csv"), "");
  expect((await reader?.read())?.value).toContain("event: change");
  await reader?.cancel();
});

it("says that its port is taken", async () => {
  const port = Number(new URL(page.url).port);
  await expect(startPage({ home, tables: fakeTables({}) }, port)).rejects.toThrow("name another one with --port");
});
