import fs, { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { emptyHome, findHome, openHome, ownerOf, withHomeLocked } from "../../local/home.ts";
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

test("emptying a home leaves files that are not the job's, and a home in which nothing is loaded", () => {
  const home = openHome(temporaryFolder());
  mkdirSync(path.join(home.volume, "archive"));
  writeFileSync(path.join(home.directory, "notes.txt"), "mine");
  emptyHome(home);
  expect(readdirSync(home.directory)).toEqual([".order-tracking-home", "notes.txt"]);
  expect(() => findHome(home.directory)).toThrow(/no orders have been loaded/);
  expect(openHome(home.directory)).toEqual(home);
});

test("a home whose emptying was cut short has whole tables or none, and is emptied by the next try", () => {
  const home = openHome(temporaryFolder());
  const log = path.join(home.tables, "orders.db", "orders_table", "_delta_log");
  mkdirSync(log, { recursive: true });
  const remove = fs.rmSync.bind(fs);
  const cut = jest.spyOn(fs, "rmSync").mockImplementation((file, options) => {
    if (existsSync(path.join(String(file), "orders.db"))) throw new Error("cut short");
    remove(file, options);
  });
  try {
    expect(() => {
      emptyHome(home);
    }).toThrow("cut short");
  } finally {
    cut.mockRestore();
  }
  expect(existsSync(log)).toBe(false);
  emptyHome(findHome(home.directory));
  expect(readdirSync(home.directory)).toEqual([".order-tracking-home"]);
});

test("orders that a cut-short emptying has moved away are not forgotten, and are removed by the next command", () => {
  const home = openHome(temporaryFolder());
  mkdirSync(path.join(home.tables, "orders.db"));
  renameSync(home.tables, `${home.tables}.removed`);
  expect(findHome(home.directory)).toEqual(home);
  openHome(home.directory);
  expect(readdirSync(home.directory).sort()).toEqual([".order-tracking-home", "logs", "tables", "volume"]);
  expect(readdirSync(home.tables)).toEqual([]);
});

test.each(["cloud", "lock", "lock.removal", ".DS_Store"])(
  "a folder that holds nothing but %s becomes a home",
  (name) => {
    const directory = temporaryFolder();
    mkdirSync(path.join(directory, name));
    expect(findHome(openHome(directory).directory).directory).toBe(directory);
  },
);

describe("the lock of a home", () => {
  const lockOf = (directory: string) => path.join(directory, "lock");

  test("is there while the work runs and gone afterwards, also after a failure", async () => {
    const directory = path.join(temporaryFolder(), "home");
    await withHomeLocked(directory, (home) => {
      expect(readFileSync(lockOf(directory), "utf8")).toMatch(new RegExp(`^${process.pid} \\w`));
      expect(home).toEqual(findHome(directory));
      expect(ownerOf(home)).toBe(String(process.pid));
      return Promise.resolve();
    });
    await expect(withHomeLocked(directory, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(existsSync(lockOf(directory))).toBe(false);
  });

  test("fails a second process while the first lives, before it makes anything there", async () => {
    const directory = temporaryFolder();
    writeFileSync(lockOf(directory), String(process.ppid));
    await expect(withHomeLocked(directory, () => Promise.resolve())).rejects.toThrow(
      new RegExp(`process ${process.ppid} is running the job`),
    );
    expect(readdirSync(directory)).toEqual(["lock"]);
  });

  test("is not left in a folder with somebody's files", async () => {
    const directory = temporaryFolder();
    for (const name of ["lock", "thesis.doc"]) writeFileSync(path.join(directory, name), "mine");
    await expect(withHomeLocked(directory, () => Promise.resolve())).rejects.toThrow(/holds other files/);
    expect(readdirSync(directory)).toEqual(["lock", "thesis.doc"]);
  });
});
