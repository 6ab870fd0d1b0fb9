import { homedir } from "node:os";
import path from "node:path";
import { fileList, homeOption, parseArguments, shownPath, userPath } from "../../cli/arguments.ts";

describe("an option that npm has kept, since no -- was before it,", () => {
  const options = {
    ...homeOption,
    yes: { type: "boolean" },
    json: { type: "boolean" },
    write: { type: "boolean" },
    "break-locks": { type: "boolean" },
  } as const;
  const parse = (variable: string, value: string, ...args: string[]) => {
    const before = { ...process.env };
    process.env[variable] = value;
    try {
      return parseArguments({ args, options, allowPositionals: true }).values;
    } finally {
      process.env = before;
    }
  };

  test.each([
    ["npm_config_home", "/tmp/x"],
    ["npm_config_home", "true"],
    ["npm_config_write", "true"],
    ["npm_config_break_locks", "true"],
  ])("is told of: %s=%s", (variable, value) => {
    const option = variable.replace("npm_config_", "").replace("_", "-");
    expect(() => parse(variable, value, "a.csv", "/tmp/x")).toThrow(
      `npm has taken --${option} for an option of its own: put -- before the options`,
    );
  });

  test("is not, where it came as well, npm has it for itself, or it is another command's", () => {
    expect(parse("npm_config_home", "/tmp/x", "--home", "/tmp/y")).toMatchObject({ home: "/tmp/y" });
    expect(parse("npm_config_yes", "true")).not.toHaveProperty("yes");
    expect(parse("npm_config_json", "true")).not.toHaveProperty("json");
    expect(parse("npm_config_write", "")).not.toHaveProperty("write");
    expect(parse("npm_config_speed", "30")).toHaveProperty("home");
  });
});

test("a path that begins with ~ is in the person's folder, and no other path is", () => {
  expect(userPath("~/orders")).toBe(path.join(homedir(), "orders"));
  expect(userPath("~")).toBe(homedir());
  for (const name of ["~orders", "orders/~/x"]) expect(userPath(name)).toBe(path.resolve(name));
});

test("files reach a job in one text", () => {
  expect(fileList([])).toBe("");
  expect(fileList(["a.csv", "20261121T130036.048973Z-c01e98/x/b c.csv", 'a, "b".csv'])).toBe(
    'a.csv,20261121T130036.048973Z-c01e98/x/b c.csv,"a, ""b"".csv"',
  );
});

test.each([
  ["", "a FILE is empty, which would mean all"],
  [" ", "a FILE is empty, which would mean all"],
  [" a.csv", '" a.csv" has spaces around it'],
])("a file that the job would take for another one is refused: %j", (file, message) => {
  expect(() => fileList(["good.csv", file])).toThrow(message);
});

test("a path is shown from where the person is, who may be there", () => {
  const here = process.env.INIT_CWD ?? process.cwd();
  expect(shownPath(path.join(here, "home"))).toBe("home");
  expect(shownPath(here)).toBe(".");
});
