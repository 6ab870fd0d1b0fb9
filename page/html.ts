/** HTML that is put together from text which others have sent: whatever is not HTML already is written as text. */
import { OBEYED, writtenOut } from "../review/text.ts";

/** A piece of HTML. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Html | string | number | null | undefined | readonly Content[];

/** A template of HTML; what is filled in is text, unless it is HTML itself. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Html {
  return new Html(String.raw({ raw: strings }, ...contents.map(written)));
}

function written(content: Content): string {
  if (content === null || content === undefined) return "";
  if (content instanceof Html) return content.text;
  return typeof content === "object" ? content.map(written).join("") : escaped(String(content));
}

/**
 * A value as JSON to be filled into a template, for the browser to parse: what is written out of text for people would
 * be no JSON any more, so it is written here as JSON has it.
 */
export function json(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    OBEYED_IN_LINES,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** A page's own HTML and what people write into it have lines and tabs. */
const OBEYED_IN_LINES = new RegExp(`(?![\\n\\t])${OBEYED.source}`, OBEYED.flags);

function escaped(text: string): string {
  const asHtml = text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
  return writtenOut(asHtml, OBEYED_IN_LINES);
}
