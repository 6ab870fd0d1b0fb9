/** The pages that people read: README.md and docs/, and the commands in them. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const ROOT = path.dirname(__dirname);

/** Every page, by its path from the root. */
export const PAGES = [
  "README.md",
  ...readdirSync(path.join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file.replaceAll(path.sep, "/")}`)
    .sort(),
];

export function readPage(page: string): string {
  return readFileSync(path.join(ROOT, page), "utf8");
}

/** The lines of a page's `sh` blocks, without their comments. */
export function shellLines(page: string): string[] {
  return [...readPage(page).matchAll(/^ *```sh\n([^]*?)^ *```$/gm)].flatMap(([, block = ""]) =>
    block
      .split("\n")
      .map((line) => line.replace(/ +# .*/, "").trim())
      .filter((line) => line !== ""),
  );
}
