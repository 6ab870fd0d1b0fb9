/** What the contract of the order files says otherwise than before, in sentences. */
import { record, records, strings, text } from "./plan.ts";
import { code, codesOf, listed } from "./text.ts";

const OF_ANOTHER_TYPE =
  "the load refuses it unless the tables can be widened to it, and a version before it cannot be deployed any more";

/** Whether a sentence tells of what no later deployment takes back. */
export function isForGood(sentence: string): boolean {
  return sentence.endsWith(OF_ANOTHER_TYPE);
}

/** Compares two contracts, as local/contract.py prints them. */
export function contractChanges(before: unknown, after: unknown): readonly string[] {
  const [previous, next] = [record(before), record(after)];
  return [
    ...columnChanges(previous, next),
    ...(["key", "sequence"] as const).flatMap((name) =>
      previous[name] === next[name]
        ? []
        : [`the ${name} is now ${code(text(next[name]))}, not ${code(text(previous[name]))} any more`],
    ),
    ...progressChanges(record(previous.progress), record(next.progress)),
    ...ruleChanges(previous, next),
    ...toleranceChange(previous.future_tolerance_seconds, next.future_tolerance_seconds),
  ];
}

type Block = Readonly<Record<string, unknown>>;

function columnChanges(previous: Block, next: Block): readonly string[] {
  const before = new Map(records(previous.columns).map((column) => [text(column.name), column]));
  const sentences: string[] = [];
  for (const column of records(next.columns)) {
    const name = text(column.name);
    const was = before.get(name);
    before.delete(name);
    if (was === undefined) {
      sentences.push(`${code(name)} is new: ${code(text(column.type))}${column.required === true ? ", required" : ""}`);
      continue;
    }
    if (was.type !== column.type)
      sentences.push(
        `${code(name)} is now ${code(text(column.type))}, not ${code(text(was.type))} any more: ${OF_ANOTHER_TYPE}`,
      );
    if (was.required !== column.required) {
      sentences.push(
        column.required === true
          ? `${code(name)} is now required: rows without it go to quarantine, files without it are rejected`
          : `${code(name)} is no longer required`,
      );
    }
    sentences.push(...memberChanges(was.aliases, column.aliases, `as a name of ${code(name)}`));
    sentences.push(...memberChanges(was.formats, column.formats, `as a format of ${code(name)}`));
    if (isOtherOrder(was.formats, column.formats))
      sentences.push(`the formats of ${code(name)} have another order: what fits several may be another value`);
    if (was.case !== column.case)
      sentences.push(
        `${code(name)} is now written ${column.case === null ? "as it is sent" : `in ${text(column.case)} case`}`,
      );
  }
  return [
    ...sentences,
    ...[...before.keys()].map(
      (name) => `${code(name)} is no longer a column: what is sent of it is treated as unknown`,
    ),
  ];
}

function memberChanges(previous: unknown, next: unknown, asWhat: string): readonly string[] {
  const [before, after] = [strings(previous), strings(next)];
  const more = after.filter((each) => !before.includes(each));
  const less = before.filter((each) => !after.includes(each));
  return [
    ...(more.length > 0 ? [`${listed(more.map(code))} ${more.length === 1 ? "is" : "are"} now known ${asWhat}`] : []),
    ...(less.length > 0
      ? [`${listed(less.map(code))} ${less.length === 1 ? "is" : "are"} no longer known ${asWhat}`]
      : []),
  ];
}

/** Whether what both lists have stands in another order. */
function isOtherOrder(previous: unknown, next: unknown): boolean {
  const [before, after] = [strings(previous), strings(next)];
  const common = after.filter((each) => before.includes(each));
  return before.filter((each) => after.includes(each)).some((each, index) => each !== common[index]);
}

function progressChanges(previous: Block, next: Block): readonly string[] {
  const column = code(text(next.column) || text(previous.column));
  return [
    ...(previous.column !== next.column ? [`how far an order is, says ${column} now`] : []),
    ...memberChanges(previous.values, next.values, `as a value of ${column}`),
    ...(isOtherOrder(previous.values, next.values)
      ? [`the values of ${column} have another order: of two states of one time another one may win`]
      : []),
    ...(previous.only_known !== next.only_known && Object.keys(previous).length > 0
      ? [
          next.only_known === true
            ? `other values of ${column} are bad from now on: their rows go to quarantine`
            : `other values of ${column} are loaded from now on, with a warning`,
        ]
      : []),
  ];
}

function ruleChanges(previous: Block, next: Block): readonly string[] {
  const isLike =
    (rule: Block, ...fields: readonly string[]) =>
    (other: Block) =>
      fields.every((field) => rule[field] === other[field]);
  const isSame = (rule: Block) => isLike(rule, "name", "column", "condition");
  const hasSameMessage = (rule: Block) => isLike(rule, "name", "column", "message");
  const what = (rule: Block) => `${code(text(rule.message))} (rule ${code(text(rule.name))})`;
  const [before, after] = [records(previous.rules), records(next.rules)];
  const gone = new Set(before.filter((rule) => !after.some(isSame(rule))));
  const sentences: string[] = [];
  for (const rule of after) {
    const was = before.find(isSame(rule)) ?? [...gone].find(hasSameMessage(rule));
    const effect = rule.warn_only === true ? "is only warned of" : "sends a row to quarantine";
    if (was === undefined) {
      sentences.push(`new: ${what(rule)} ${effect}`);
      continue;
    }
    gone.delete(was);
    if (was.condition !== rule.condition) {
      const [had, has] = codesOf(text(was.condition), text(rule.condition));
      sentences.push(`${what(rule)} now asks for ${has}, not for ${had} any more`);
    }
    if (was.warn_only !== rule.warn_only) sentences.push(`${what(rule)} now ${effect}`);
  }
  return [...sentences, ...[...gone].map((rule) => `${what(rule)} is no longer looked at`)];
}

function toleranceChange(previous: unknown, next: unknown): readonly string[] {
  if (previous === next) return [];
  const inWords = (seconds: unknown) => (typeof seconds === "number" ? `${seconds / 3600} hours` : "any time");
  return [`a state may now lie ${inWords(next)} after its file's arrival; it was ${inWords(previous)}`];
}
