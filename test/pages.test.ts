import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import packageJson from "../package.json";
import { PAGES, readPage } from "./pages.ts";

const ROOT = path.dirname(__dirname);

/** What a page tells people to type: lines that start with npm, and what stands between backticks. */
function commandsOf(page: string): string[] {
  return [...readPage(page).matchAll(/^ *(npm (?:\S+ ?)+)|`(npm [^`\n]+)`/gm)].map(
    ([, line, inline]) => line ?? inline ?? "",
  );
}

/** The anchor that a heading has. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** What is wrong with a command: a script, a subcommand or an option that there is not. */
function mistake(command: string): string | undefined {
  const [, script, args = ""] = /^npm (?:run )?(?:-s )?([\w:-]+)(?: -- ([^>|]*))?/.exec(command) ?? [];
  if (script === undefined || ["pkg", "install", "ci", "rebuild"].includes(script)) return undefined;
  if (!(script in packageJson.scripts)) return `there is no script ${script}`;
  const [subcommand = "", ...words] = script === "start" ? ["start", ...args.split(" ")] : args.split(" ");
  if (!["start", "order-tracking"].includes(script) || subcommand === "doctor") return undefined;
  const file = path.join(ROOT, "cli", "commands", `${subcommand}.ts`);
  if (!existsSync(file)) return `there is no subcommand ${subcommand}`;
  const text = readFileSync(file, "utf8");
  const unknown = words.find((word) => /^--\w/.test(word) && !text.includes(word));
  return unknown && `${subcommand} has no option ${unknown}`;
}

describe.each(PAGES)("%s", (page) => {
  it("leads only to what is there", () => {
    const links = [...readPage(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
    const broken = links
      .filter((target) => !target.includes("://"))
      .filter((target) => {
        const [file = "", heading] = target.split("#");
        const led = file === "" ? page : path.posix.join(path.posix.dirname(page), file);
        if (!existsSync(path.join(ROOT, led))) return true;
        const headings = heading === undefined ? [] : [...readPage(led).matchAll(/^#+ (.*)$/gm)];
        return heading !== undefined && !headings.some(([, text = ""]) => anchor(text) === heading);
      });

    expect(broken).toEqual([]);
  });

  it("names only scripts, subcommands and options that there are", () => {
    expect(commandsOf(page).map(mistake).filter(Boolean)).toEqual([]);
  });
});

test("every subcommand in the pages is run by a test", () => {
  const tests = readdirSync(__dirname, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(path.join(__dirname, file), "utf8"));
  const named = new Set(
    PAGES.flatMap((page) => [...readPage(page).matchAll(/order-tracking -- ([a-z]+)/g)].map(([, name = ""]) => name)),
  );

  const untested = [...named].filter(
    (name) => !tests.some((text) => new RegExp(`(\\[|main\\.ts", )\\s*"${name}"[,\\]]`).test(text)),
  );

  expect(named.size).toBeGreaterThan(10);
  expect(untested).toEqual([]);
});

test("the front door is two screens, and leads to every page", () => {
  const front = readPage("README.md");

  expect(front.split(/\s+/).length).toBeLessThan(1000);
  for (const page of PAGES.filter((each) => /^docs\/[^/]+$/.test(each))) expect(front).toContain(`](${page}`);
});
