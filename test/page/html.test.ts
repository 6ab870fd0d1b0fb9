import { html, json } from "../../page/html.ts";

const entities: Readonly<Record<string, string>> = { "&quot;": '"', "&lt;": "<", "&gt;": ">", "&amp;": "&" };
/** What a browser reads from an attribute. */
const attribute = (written: string) => written.replaceAll(/&\w+;/g, (entity) => entities[entity] ?? entity);

it("writes text out in which a browser would obey more than it shows", () => {
  expect(html`<p>${'<b>"a\u202eb\u200e\u0085&\n'}</p>`.text).toBe(
    "<p>&lt;b&gt;&quot;a\\u{202e}b\\u{200e}\\u{85}&amp;\n</p>",
  );
});

it.each([
  ["a mark of direction", "DELIVERED\u200e"],
  ["controls", "a\u0000b\u007f\u0085\n"],
  ["what comes after a backslash", "\\\u202e"],
  ["what HTML obeys", '"<&>"'],
  ["a character of two units, and half of one", "😀\u2066\ud83d"],
])("writes JSON in characters that can be seen, with %s as it was", (_, text) => {
  const written = html`${json({ text })}`.text;
  expect(written).not.toMatch(/[\p{Cc}\u200e\u202e\u2066]/u);
  expect(JSON.parse(attribute(written))).toEqual({ text });
});
