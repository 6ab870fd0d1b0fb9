import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { emptyHome, findHome, openHome, withHomeLocked } from "../../local/home.ts";
import { temporaryFolder } from "./stack-on-disk.ts";

test("a new home has its folders and is found again", () => {
  const directory = path.join(temporaryFolder(), "deep", "home");
  const home = openHome(directory);
  expect(findHome(directory)).toEqual(home);
  for (const folder of [home.volume, home.tables, home.logs]) expect(existsSync(folder)).toBe(true);
});

test("fails to make a home of a folder with somebody's files", () => {
  const directory = temporaryFolder();
  writeFileSync(path.join(directory, "thesis.doc"), "");
  expect(() => openHome(directory)).toThrow(/holds other files: name an empty or a new folder with --home/);
  expect(() => findHome(directory)).toThrow(/no orders have been loaded .* run "npm start" first/);
});

test("emptying a home leaves files that are not the job's", () => {
  const home = openHome(temporaryFolder());
  mkdirSync(path.join(home.volume, "archive"));
  writeFileSync(path.join(home.directory, "notes.txt"), "mine");
  emptyHome(home);
  expect(readdirSync(home.directory)).toEqual(["notes.txt"]);
});

describe("the lock of a home", () => {
  const lockOf = (directory: string) => path.join(directory, "lock");

  test("is there while the work runs and gone afterwards, also after a failure", async () => {
    const home = openHome(temporaryFolder());
    await withHomeLocked(home, () => {
      expect(readFileSync(lockOf(home.directory), "utf8")).toMatch(new RegExp(`^${process.pid} \\w`));
      return Promise.resolve();
    });
    await expect(withHomeLocked(home, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(existsSync(lockOf(home.directory))).toBe(false);
  });

  test("fails a second process while the first lives", async () => {
    const home = openHome(temporaryFolder());
    writeFileSync(lockOf(home.directory), String(process.ppid));
    await expect(withHomeLocked(home, () => Promise.resolve())).rejects.toThrow(
      new RegExp(`process ${process.ppid} is running the job`),
    );
    expect(existsSync(lockOf(home.directory))).toBe(true);
  });

  test.each(["999999999", "", "nonsense", `${process.ppid} Mon Jan  1 00:00:00 2001`])(
    "left behind by a dead process (%j) is taken over",
    async (content) => {
      const home = openHome(temporaryFolder());
      writeFileSync(lockOf(home.directory), content);
      await expect(withHomeLocked(home, () => Promise.resolve("done"))).resolves.toBe("done");
    },
  );
});
