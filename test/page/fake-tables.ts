import type { Row } from "../../local/notebook-kernel.ts";
import type { Tables } from "../../page/tables.ts";

type Answer = (parameters: Readonly<Record<string, string>>) => readonly Row[];

/** Tables that answer the saved queries of these names, and refuse others. */
export function fakeTables(answers: Readonly<Record<string, Answer | readonly Row[]>>): Tables {
  return {
    rows: (query, maxRows, parameters = {}) => {
      const answer = answers[query];
      if (answer === undefined) return Promise.reject(new Error(`nothing is known of ${query}`));
      return Promise.resolve((typeof answer === "function" ? answer(parameters) : answer).slice(0, maxRows));
    },
  };
}
