import { PassThrough } from "node:stream";
import { agreed } from "../../cli/agreed.ts";

const stdin = Object.getOwnPropertyDescriptor(process, "stdin") ?? {};
const said: unknown[] = [];
beforeEach(() => {
  said.length = 0;
  jest.spyOn(console, "error").mockImplementation((line) => void said.push(line));
  jest.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  jest.restoreAllMocks();
  Object.defineProperty(process, "stdin", stdin);
});

/** What comes of a question to somebody who types this, and then Ctrl-D. */
async function answered(typed: string, isTTY = true): Promise<boolean> {
  const terminal = Object.assign(new PassThrough(), { isTTY });
  Object.defineProperty(process, "stdin", { value: terminal, configurable: true });
  terminal.end(typed);
  return agreed("Do this?", true);
}

it.each(["y\n", "Yes\n", " yes \n"])("goes ahead where somebody types %j", async (typed) => {
  expect(await answered(typed)).toBe(true);
  expect(said).toEqual([]);
});

it.each(["\n", "no\n", "yesterday\n", ""])("changes nothing where somebody types %j", async (typed) => {
  expect(await answered(typed)).toBe(false);
  expect(said).toEqual(["Nothing was changed."]);
});

it("takes nobody's word without a terminal, and asks nobody who has given it", async () => {
  expect(await answered("y\n", false)).toBe(false);
  expect(said).toEqual(["There is no terminal to ask on: add --yes to go ahead.", "Nothing was changed."]);
  expect(await agreed("Do this?", false)).toBe(true);
});
