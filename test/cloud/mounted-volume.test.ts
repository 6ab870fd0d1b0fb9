import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { MountedVolume } from "./databricks/mounted-volume.ts";
import { Lake } from "./lake.ts";
import { Store } from "./store.ts";

const ROOT = "account/container/orders";
const scratch = mkdtempSync(path.join(tmpdir(), "order-tracking-mounted-"));
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

function mounted() {
  const lake = new Lake(new Store());
  const folder = path.join(scratch, "volume");
  const volume = new MountedVolume(lake, ROOT, folder);
  const at = (file: string) => path.join(folder, file);
  const put = (file: string, text: string) => {
    mkdirSync(path.dirname(at(file)), { recursive: true });
    writeFileSync(at(file), text);
  };
  const upload = (file: string, text: string) => lake.write(`${ROOT}/${file}`, Buffer.from(text));
  const inLake = () => lake.below("").map((file) => [file.slice(ROOT.length + 1), lake.get(file)?.content.toString()]);
  const inFolder = () =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(folder, file), readFileSync(file, "utf8")])
      .sort();
  return { lake, volume, at, put, upload, inLake, inFolder };
}

describe("a mounted volume", () => {
  it("shows what clients write, and takes over what is done in the folder", () => {
    const { volume, at, upload, inLake, inFolder } = mounted();
    upload("in/a.csv", "1");
    volume.fetch();
    expect(inFolder()).toEqual([["in/a.csv", "1"]]);

    mkdirSync(at("archive"));
    renameSync(at("in/a.csv"), at("archive/a.csv"));
    expect(volume.changed()).toEqual(["in/a.csv", "archive/a.csv"]);
    // Somebody is quick to use the name again.
    upload("in/a.csv", "2");
    volume.fetch();
    volume.publish();

    expect(inLake()).toEqual([
      ["archive/a.csv", "1"],
      ["in/a.csv", "2"],
    ]);
    expect(inFolder()).toEqual(inLake());
  });

  it("undoes what is not to be taken over", () => {
    const { volume, at, put, upload, inLake, inFolder } = mounted();
    for (const file of ["changed", "gone"]) upload(file, file);
    volume.fetch();
    put("changed", "otherwise");
    put("new", "new");
    rmSync(at("gone"));

    volume.discard();

    expect(inFolder()).toEqual(inLake());
    expect(volume.changed()).toEqual([]);
  });

  it("is the same on both sides after an exchange, whoever did what", () => {
    const file = fc.constantFrom("a", "b", "in/a", "in/b");
    const step = fc.record({ file, does: fc.constantFrom("put", "upload", "remove", "delete", "exchange") });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { lake, volume, at, put, upload, inLake, inFolder } = mounted();
        const does = {
          put: (which: string, text: string) => {
            put(which, text);
          },
          upload,
          remove: (which: string) => {
            rmSync(at(which), { force: true });
          },
          delete: (which: string) => lake.delete(`${ROOT}/${which}`),
          exchange: () => {
            volume.publish();
            volume.fetch();
          },
        };
        for (const [i, each] of steps.entries()) does[each.does](each.file, "x".repeat(i));
        does.exchange();
        expect(inFolder()).toEqual(inLake());
        expect(volume.changed()).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});
