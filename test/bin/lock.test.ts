import { spawn } from "node:child_process";
import { once } from "node:events";
import fs, { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { canBeSeen, ownerOf, releaseLock, takeLock } from "../../bin/lock.mjs";
import { temporaryFolder } from "../local/stack-on-disk.ts";

const lockIn = (folder: string) => path.join(folder, "lock");

test("is one process's until it is released, and leaves nothing", () => {
  const folder = temporaryFolder();
  const lock = lockIn(folder);
  expect(takeLock(lock)).toBeUndefined();
  expect(takeLock(lock)).toBe(String(process.pid));
  expect(ownerOf(lock)).toBe(String(process.pid));
  expect(readdirSync(folder)).toEqual(["lock"]);
  releaseLock(lock);
  expect(ownerOf(lock)).toBeUndefined();
  expect(readdirSync(folder)).toEqual([]);
});

test.each(["999999999", "", "nonsense", `${process.ppid} Mon Jan  1 00:00:00 2001`])(
  "left behind by a dead process (%j) is taken over, also where it was being removed by another one",
  (content) => {
    const folder = temporaryFolder();
    const lock = lockIn(folder);
    writeFileSync(lock, content);
    writeFileSync(`${lock}.removal`, content);
    expect(ownerOf(lock)).toBeUndefined();
    expect(takeLock(lock)).toBeUndefined();
    expect(readdirSync(folder)).toEqual(["lock"]);
  },
);

test("is taken as well where the file system has no links", () => {
  const noLinks = Object.assign(new Error("no links here"), { code: "EPERM" });
  const link = jest.spyOn(fs, "linkSync").mockImplementation(() => {
    throw noLinks;
  });
  const lock = lockIn(temporaryFolder());
  expect(takeLock(lock)).toBeUndefined();
  expect(takeLock(lock)).toBe(String(process.pid));
  link.mockRestore();
});

test("of another process stays where it is", () => {
  const lock = lockIn(temporaryFolder());
  writeFileSync(lock, String(process.ppid));
  expect(takeLock(lock)).toBe(String(process.ppid));
  releaseLock(lock);
  expect(ownerOf(lock)).toBe(String(process.ppid));
});

test("left behind by a process that has ended, and that its parent has not asked about, is taken over", async () => {
  const lock = lockIn(temporaryFolder());
  const parent = spawn("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 60"]);
  const [printed] = (await once(parent.stdout, "data")) as [Buffer];
  const ended = printed.toString().trim();
  writeFileSync(lock, ended);
  try {
    for (const end = Date.now() + 3000; ownerOf(lock) !== undefined && Date.now() < end;) await sleep(50);
    expect(() => process.kill(Number(ended), 0)).not.toThrow(); // It still has its number.
    expect(takeLock(lock)).toBeUndefined();
  } finally {
    parent.kill();
  }
});

/** What this process writes into a lock, as if it were on another machine, in another container, or called otherwise. */
function written(other: { boot?: string; host?: string; namespace?: string }): string {
  const lock = lockIn(temporaryFolder());
  takeLock(lock);
  const pattern = /^(?<pid>\d+) (?<boot>\S+) (?<ticks>\d+)\n(?<host>\S+) (?<namespace>.*)$/;
  const own = pattern.exec(readFileSync(lock, "utf8"))?.groups;
  const { pid, boot, ticks, host, namespace } = { ...own, ...other } as Record<string, string>;
  return `${pid} ${boot} ${ticks}\n${host} ${namespace}`;
}

const onLinux = process.platform === "linux" ? describe : describe.skip;

onLinux("left by a process of another machine or container", () => {
  test.each([
    ["another container", { host: "web-1", namespace: "pid:[1]" }],
    ["another machine, whose first processes have the same namespace", { boot: "a-boot", host: "web-1" }],
    ["a Mac", { boot: "Mon Jan  1 00:00:00", host: "web-1", namespace: "" }],
  ])("stays, and says what to remove where that is gone: %s", (_, other) => {
    const lock = lockIn(temporaryFolder());
    writeFileSync(lock, written(other));
    for (const owner of [takeLock(lock), ownerOf(lock)]) {
      expect(owner).toBe(
        `${process.pid} on web-1, which cannot be seen from here (if it is gone for good, remove ${lock}),`,
      );
      expect(canBeSeen(String(owner))).toBe(false);
    }
  });

  test("is taken over where this machine was started anew since then", () => {
    for (const other of [{ boot: "a-boot" }, { boot: "a-boot", namespace: "pid:[1]" }]) {
      const lock = lockIn(temporaryFolder());
      writeFileSync(lock, written(other));
      expect(takeLock(lock)).toBeUndefined();
    }
  });

  test("is seen as one of this machine, whatever that was called then", () => {
    const lock = lockIn(temporaryFolder());
    writeFileSync(lock, written({ host: "old-name" }));
    expect(takeLock(lock)).toBe(String(process.pid));
  });
});

/** Takes the lock over and over for a second, leaving it behind half of the time, and prints how often it had it. */
const TAKES = `
import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { releaseLock, takeLock } from ${JSON.stringify(pathToFileURL(path.join(__dirname, "../../bin/lock.mjs")).href)};
const [, lock] = process.argv;
let taken = 0;
for (const end = Date.now() + 1000; Date.now() < end; ) {
  if (takeLock(lock) !== undefined) continue;
  closeSync(openSync(lock + "-is-mine", "wx")); // Fails where another one has it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  rmSync(lock + "-is-mine");
  taken += 1;
  if (taken % 2 === 0) releaseLock(lock);
  else writeFileSync(lock, "999999999");
}
console.log(taken);`;

test("is never two processes' at once, released or left behind", async () => {
  const lock = lockIn(temporaryFolder());
  const takes = async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", TAKES, lock]);
    let said = "";
    for (const output of [child.stdout, child.stderr]) output.on("data", (text: Buffer) => (said += text.toString()));
    await new Promise((resolve) => child.on("close", resolve));
    return said;
  };
  const [one, other, third] = await Promise.all([takes(), takes(), takes()]);
  for (const said of [one, other, third]) expect(said).toMatch(/^[1-9]\d*\n$/);
});
