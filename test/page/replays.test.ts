import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openHome } from "../../local/home.ts";
import { type Replay, type ReplayRequest, Replays, told } from "../../page/replays.ts";
import { startPage } from "../../page/server.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";
import { fakeTables } from "./fake-tables.ts";

/** Notes what it is asked for, and never ends. */
class NotedReplays extends Replays {
  readonly asked: ReplayRequest[] = [];

  override get last(): Replay | undefined {
    return this.asked[0] && { ...this.asked[0], sentence: "Loading" };
  }

  override start(request: ReplayRequest): boolean {
    if (this.asked.length > 0) return false;
    this.asked.push(request);
    return true;
  }
}

const folder = temporaryFolder();
const home = openHome(path.join(folder, "home"));

describe("the replay button", () => {
  const post = (url: string, body: object) =>
    fetch(`${url}replay`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  it("starts one replay at a time, and only with the token", async () => {
    const replays = new NotedReplays(home);
    const page = await startPage({ home, tables: fakeTables({}), replays }, 0);
    try {
      const rejected = { source: "rejected", file: "a.csv" };
      expect((await post(`${new URL(page.url).origin}/`, rejected)).status).toBe(404);
      expect((await post(page.url, { source: "archive" })).status).toBe(400);
      expect(replays.asked).toEqual([]);
      expect((await post(page.url, rejected)).status).toBe(202);
      expect((await post(page.url, rejected)).status).toBe(409);
      expect(replays.asked).toEqual([rejected]);
      expect(await (await fetch(`${page.url}parts/now`)).text()).toMatch(/rejected, <code>a\.csv<\/code>\): Loading/);
    } finally {
      await page.close();
    }
  });
});

describe("what a replay came to", () => {
  const staged = (file: string, rows_staged: number, rows_quarantined: number) => {
    return { path: file, outcome: "staged", rows_staged, rows_quarantined };
  };
  const runOf = (files: readonly object[], error: string | null = null) => ({
    tasks: [
      { summary: { files, rows_read: 999, rows_staged: 999, rows_quarantined: 999 }, error: null },
      { summary: { rows_taken: 3, inserted: 2, updated: 1 }, error: null },
      { summary: { rows_read: 999, rows_quarantined: 999 }, error },
    ],
  });

  it("is said in a sentence", () => {
    const replay = { files: ["replay-1/a.csv"], tasks: [{ summary: {}, error: null }] };
    const runs = [runOf([staged("replay-1/a.csv", 3, 1)], "QualityGateError: too many")];
    expect(told(JSON.stringify({ replay, runs }))).toBe(
      "1 file put back: 3 rows loaded, 1 quarantined again, 2 orders new, 1 changed. QualityGateError: too many",
    );
    expect(told(JSON.stringify({ replay: { ...replay, files: [] }, runs: [] }))).toBe(
      "Nothing of that could be put back.",
    );
    const left = [{ summary: { left: { "b.csv": "it is not in rejected/" } }, error: null }];
    expect(told(JSON.stringify({ replay: { files: [], tasks: left }, runs: [] }))).toBe(
      "Nothing of that could be put back. b.csv: it is not in rejected/.",
    );
    expect(told("")).toBeUndefined();
  });

  it("is said apart from what came of files that waited", () => {
    const replay = { files: ["replay-1/a.csv"], tasks: [{ summary: {}, error: null }] };
    const waited = [staged("b.csv", 500, 7), staged("c.csv", 1, 0), { path: "d.csv", outcome: "deferred" }];
    expect(told(JSON.stringify({ replay, runs: [runOf([staged("replay-1/a.csv", 3, 1), ...waited])] }))).toBe(
      "1 file put back: 3 rows loaded, 1 quarantined again. " +
        "The run loaded 2 other files that waited; in all, 2 orders new, 1 changed.",
    );
  });

  it("is said of each file with why it was not put back, also where others were loaded", () => {
    const left = [{ summary: { left: { "b.csv": "it is not in rejected/" } }, error: null }];
    const some = { files: ["replay-1/a.csv"], tasks: left };
    expect(told(JSON.stringify({ replay: some, runs: [runOf([staged("replay-1/a.csv", 3, 1)])] }))).toBe(
      "1 file put back: 3 rows loaded, 1 quarantined again, 2 orders new, 1 changed. b.csv: it is not in rejected/.",
    );
    const none = { files: [], tasks: left };
    expect(told(JSON.stringify({ replay: none, runs: [runOf([staged("waited.csv", 500, 0)])] }))).toBe(
      "Nothing of that could be put back. The run loaded 1 other file that waited; in all, 2 orders new, 1 changed. " +
        "b.csv: it is not in rejected/.",
    );
  });

  it("is said of each file with why it was not loaded, also where the run allows for that", () => {
    const replay = { files: ["replay-1/a.csv", "replay-1/b.csv"], tasks: [{ summary: {}, error: null }] };
    const rejected = { path: "replay-1/b.csv", outcome: "rejected", reason: "it has no header" };
    const waited = { path: "c.csv", outcome: "rejected", reason: "it is empty" };
    const run = runOf([staged("replay-1/a.csv", 3, 1), rejected, waited]);
    expect(told(JSON.stringify({ replay, runs: [run] }))).toBe(
      "2 files put back: 3 rows loaded, 1 quarantined again, 2 orders new, 1 changed. " +
        "replay-1/b.csv: rejected, it has no header.",
    );
  });

  it("is said where the replay itself has failed, whatever was loaded then", () => {
    const replay = { files: [], tasks: [{ summary: null, error: "ReplayError: 1 files could not be put back" }] };
    for (const runs of [[], [runOf([staged("replay-1/a.csv", 3, 1)])]]) {
      expect(told(JSON.stringify({ replay, runs }))).toBe("ReplayError: 1 files could not be put back");
    }
  });
});

describe("the download of a rejected file", () => {
  const batch = path.join(home.volume, "rejected", "2026");
  mkdirSync(batch, { recursive: true });
  writeFileSync(path.join(batch, "bad.csv"), "colour\nred\n");
  writeFileSync(path.join(home.volume, "secret.csv"), "secret");
  symlinkSync(path.join(home.volume, "secret.csv"), path.join(batch, "link.csv"));

  it.each([
    ["rejected/2026/bad.csv", 200],
    ["rejected/2026/../../secret.csv", 404],
    ["rejected/2026/link.csv", 404],
    ["secret.csv", 404],
    ["/etc/passwd", 404],
    ["rejected", 404],
    ["rejected/2026/gone.csv", 404],
    ["", 404],
    ["\0", 404],
  ])("of %j is answered with %d", async (file, status) => {
    const page = await startPage({ home, tables: fakeTables({}) }, 0);
    try {
      const response = await fetch(`${page.url}rejected?${new URLSearchParams({ file }).toString()}`);
      expect(response.status).toBe(status);
      if (status === 200) {
        expect(await response.text()).toBe("colour\nred\n");
        expect(response.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''bad.csv");
        expect(response.headers.get("content-type")).toContain("octet-stream");
      } else await response.text();
    } finally {
      await page.close();
    }
  });
});
