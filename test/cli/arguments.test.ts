import path from "node:path";
import { fileList, shownPath } from "../../cli/arguments.ts";

test("files reach a job in one text", () => {
  expect(fileList([])).toBe("");
  expect(fileList(["a.csv", "20261121T130036.048973Z-c01e98/x/b c.csv"])).toBe(
    "a.csv,20261121T130036.048973Z-c01e98/x/b c.csv",
  );
});

test.each([
  ["", "a FILE is empty, which would mean all"],
  [" ", "a FILE is empty, which would mean all"],
  [" a.csv", '" a.csv" has spaces around it'],
  ["a,b.csv", "a,b.csv has a comma"],
])("a file that the job would take for another one is refused: %j", (file, message) => {
  expect(() => fileList(["good.csv", file])).toThrow(message);
});

test("a path is shown from where the person is, who may be there", () => {
  const here = process.env.INIT_CWD ?? process.cwd();
  expect(shownPath(path.join(here, "home"))).toBe("home");
  expect(shownPath(here)).toBe(".");
});
