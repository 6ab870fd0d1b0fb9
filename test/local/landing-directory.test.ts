import fs, { mkdirSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openHome } from "../../local/home.ts";
import { deliver, UNFINISHED_GRACE_MS, waitingFiles } from "../../local/landing-directory.ts";
import { LocalLoadJob } from "../../local/local-job.ts";
import { readLoadJob } from "../../local/synthesized-job.ts";
import { aJob, notebook, stackOnDisk, temporaryFolder } from "./stack-on-disk.ts";

test("files that wait are found in subdirectories too; hidden ones and hidden folders are not", () => {
  const landing = temporaryFolder();
  for (const folder of ["sub/deep", "_hidden", ".git"]) mkdirSync(path.join(landing, folder), { recursive: true });
  for (const file of ["a.csv", "sub/deep/b.csv", ".c.csv", "_d.csv", "_hidden/e.csv", ".git/f"]) {
    writeFileSync(path.join(landing, file), "");
  }
  expect(waitingFiles(landing)).toEqual(["a.csv", path.join("sub", "deep", "b.csv")]);
});

test.each(["ENOENT", "ENOTDIR", "EACCES"])("a subdirectory that answers %s hides none of the other files", (code) => {
  const landing = temporaryFolder();
  for (const folder of ["emptied", "sub"]) {
    mkdirSync(path.join(landing, folder));
    writeFileSync(path.join(landing, folder, "a.csv"), "");
  }
  // As where the job has removed it since its name was read, or its mode is 000.
  const list = fs.readdirSync.bind(fs) as (folder: string, options: object) => never;
  const spy = jest.spyOn(fs, "readdirSync").mockImplementation((folder, options) => {
    if (String(folder).endsWith("emptied")) throw Object.assign(new Error(code), { code });
    return list(String(folder), options);
  });
  try {
    expect(waitingFiles(landing)).toEqual([path.join("sub", "a.csv")]);
  } finally {
    spy.mockRestore();
  }
  expect(() => waitingFiles(path.join(landing, "no-such"))).toThrow("ENOENT");
});

test("a delivered file never overwrites one of the same name, counts as sent later, and no partial upload stays", () => {
  const [client, landing] = [temporaryFolder(), temporaryFolder()];
  const file = path.join(client, "orders.csv");
  const delivered = ["first", "second", "third"].map((content) => {
    writeFileSync(file, content);
    return deliver(file, landing);
  });
  expect(delivered).toEqual(["orders.csv", path.join("2", "orders.csv"), path.join("3", "orders.csv")]);
  expect(delivered.map((name) => readFileSync(path.join(landing, name), "utf8"))).toEqual(["first", "second", "third"]);
  const [first, second, third] = delivered.map((name) => statSync(path.join(landing, name)).mtimeMs);
  expect(second).toBeGreaterThan(Number(first));
  expect(third).toBeGreaterThan(Number(second));
  expect(readdirSync(landing, { recursive: true })).toHaveLength(5);
});

/** How old the copy of a file is that was last written to so long ago. */
function ageOfCopy(content: string, age: number): number {
  const [file, landing] = [path.join(temporaryFolder(), "orders.csv"), temporaryFolder()];
  writeFileSync(file, content);
  utimesSync(file, new Date(), new Date(Date.now() - age));
  return Date.now() - statSync(path.join(landing, deliver(file, landing))).mtimeMs;
}

test.each(["", "no end of a line", "a line\nno end of a line"])(
  "the copy of a file that looks cut and has been still for a while is no young one, and that of another one is: %j",
  (content) => {
    for (const age of [UNFINISHED_GRACE_MS, 1000 * UNFINISHED_GRACE_MS]) {
      // The time of its delivery, but for what the job waits. The clock of files may be some milliseconds off.
      const beside = ageOfCopy(content, age) - UNFINISHED_GRACE_MS;
      expect(beside).toBeGreaterThan(-100);
      expect(beside).toBeLessThan(UNFINISHED_GRACE_MS / 10);
    }
    expect(ageOfCopy(content, UNFINISHED_GRACE_MS / 2)).toBeLessThan(UNFINISHED_GRACE_MS / 10);
  },
);

test.each(["\n", "a line\n", "lines of\r\nWindows\r\n"])(
  "a whole file counts as sent when it is delivered, however old it is, so that as a correction it comes last: %j",
  (content) => {
    expect(ageOfCopy(content, 1000 * UNFINISHED_GRACE_MS)).toBeLessThan(UNFINISHED_GRACE_MS / 10);
  },
);

test("a file may count as sent some time ago", () => {
  const landing = temporaryFolder();
  const { mtimeMs } = statSync(path.join(landing, deliver(__filename, landing, UNFINISHED_GRACE_MS)));
  expect(Math.abs(Date.now() - mtimeMs - UNFINISHED_GRACE_MS)).toBeLessThan(UNFINISHED_GRACE_MS / 10);
});

test("a file whose name is as long as any can be is delivered", () => {
  const [client, landing] = [temporaryFolder(), temporaryFolder()];
  const name = `${"o".repeat(251)}.csv`;
  writeFileSync(path.join(client, name), "orders");
  expect(deliver(path.join(client, name), landing)).toBe(name);
  expect(readdirSync(landing)).toEqual([name]);
});

test("an upload that fails leaves nothing", () => {
  const landing = temporaryFolder();
  const rename = jest.spyOn(fs, "renameSync").mockImplementation(() => {
    throw new Error("the disk is gone");
  });
  try {
    expect(() => deliver(__filename, landing)).toThrow("the disk is gone");
  } finally {
    rename.mockRestore();
  }
  expect(readdirSync(landing)).toEqual([]);
});

test("what a delivery has left that was killed is gone once a command has the job, and nothing else is", () => {
  const home = openHome(temporaryFolder());
  const kernel = { runNotebook: () => Promise.resolve(null) };
  const synthesized = stackOnDisk(aJob, { first: notebook("1") });
  const open = () => new LocalLoadJob(readLoadJob(synthesized, "test"), home, kernel).landingDirectory;
  const landing = open();
  const upload = ".0123456789abcdef.uploading";
  const others = [
    ".keep",
    ".of-somebody.uploading",
    `${upload}.csv`,
    "3",
    path.join("2", "a.csv"),
    path.join("sub", upload),
  ];
  for (const folder of ["2", "sub"]) mkdirSync(path.join(landing, folder));
  for (const file of [upload, path.join("2", upload), ...others]) writeFileSync(path.join(landing, file), "");
  open();
  expect((readdirSync(landing, { recursive: true }) as string[]).sort()).toEqual(["2", "sub", ...others].sort());
});
