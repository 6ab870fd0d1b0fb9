import { printable as linesPrintable } from "../../cli/text-table.ts";
import { html, json } from "../../page/html.ts";
import { printable } from "../../review/text.ts";

test.each(["\u0085", "\u061c", "\u200e", "\u2028", "\u2029", "\u202e", "\u2066"])(
  "no terminal and no browser obeys %j",
  (character) => {
    const shown = `a\\u{${(character.codePointAt(0) ?? 0).toString(16)}}b`;
    const text = `a${character}b`;
    expect([printable(text), linesPrintable(text), html`${text}`.text]).toEqual([shown, shown, shown]);
    expect(json(text)).not.toContain(character);
    expect(JSON.parse(json(text))).toBe(text);
  },
);

test("lines and tabs stay where a text has several lines", () => {
  expect(printable("a\n\tb")).toBe("a b");
  expect(linesPrintable("a\n\tb")).toBe("a\n\\u{9}b");
  expect(html`${"a\n\tb"}`.text).toBe("a\n\tb");
});
