/** What the contract of the order files says otherwise than before, in sentences. */
import { record, records, strings, text } from "./plan.ts";
import { code, listed } from "./text.ts";

/** Compares two contracts, as local/contract.py prints them. */
export function contractChanges(before: unknown, after: unknown): readonly string[] {
  const [old, young] = [record(before), record(after)];
  return [
    ...columnChanges(old, young),
    ...(["key", "sequence"] as const).flatMap((name) =>
      old[name] === young[name]
        ? []
        : [`the ${name} is now ${code(text(young[name]))}, not ${code(text(old[name]))} any more`],
    ),
    ...progressChanges(record(old.progress), record(young.progress)),
    ...ruleChanges(old, young),
    ...toleranceChange(old.future_tolerance_seconds, young.future_tolerance_seconds),
  ];
}

type Block = Readonly<Record<string, unknown>>;

function columnChanges(old: Block, young: Block): readonly string[] {
  const before = new Map(records(old.columns).map((column) => [text(column.name), column]));
  const sentences: string[] = [];
  for (const column of records(young.columns)) {
    const name = text(column.name);
    const was = before.get(name);
    before.delete(name);
    if (was === undefined) {
      sentences.push(`${code(name)} is new: ${code(text(column.type))}${column.required === true ? ", required" : ""}`);
      continue;
    }
    if (was.type !== column.type)
      sentences.push(`${code(name)} is now ${code(text(column.type))}, not ${code(text(was.type))} any more`);
    if (was.required !== column.required) {
      sentences.push(
        column.required === true
          ? `${code(name)} is now required: rows without it go to quarantine, files without it are rejected`
          : `${code(name)} is no longer required`,
      );
    }
    sentences.push(...memberChanges(was.aliases, column.aliases, `as a name of ${code(name)}`));
    sentences.push(...memberChanges(was.formats, column.formats, `as a format of ${code(name)}`));
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

function memberChanges(old: unknown, young: unknown, asWhat: string): readonly string[] {
  const [before, after] = [strings(old), strings(young)];
  const more = after.filter((each) => !before.includes(each));
  const less = before.filter((each) => !after.includes(each));
  return [
    ...(more.length > 0 ? [`${listed(more.map(code))} ${more.length === 1 ? "is" : "are"} now known ${asWhat}`] : []),
    ...(less.length > 0
      ? [`${listed(less.map(code))} ${less.length === 1 ? "is" : "are"} no longer known ${asWhat}`]
      : []),
  ];
}

function progressChanges(old: Block, young: Block): readonly string[] {
  const column = code(text(young.column) || text(old.column));
  const [before, after] = [strings(old.values), strings(young.values)];
  const members = memberChanges(before, after, `as a value of ${column}`);
  const common = (values: readonly string[], others: readonly string[]) =>
    values.filter((each) => others.includes(each)).join("\n");
  return [
    ...(old.column !== young.column ? [`how far an order is, says ${column} now`] : []),
    ...members,
    ...(common(before, after) !== common(after, before)
      ? [`the values of ${column} have another order: of two states of one time another one may win`]
      : []),
    ...(old.only_known !== young.only_known && Object.keys(old).length > 0
      ? [
          young.only_known === true
            ? `other values of ${column} are bad from now on: their rows go to quarantine`
            : `other values of ${column} are loaded from now on, with a warning`,
        ]
      : []),
  ];
}

function ruleChanges(old: Block, young: Block): readonly string[] {
  const keyOf = (rule: Block) => `${text(rule.name)} ${text(rule.column)} ${text(rule.condition)}`;
  const what = (rule: Block) => `${code(text(rule.message))} (rule ${code(text(rule.name))})`;
  const before = new Map(records(old.rules).map((rule) => [keyOf(rule), rule]));
  const sentences: string[] = [];
  for (const rule of records(young.rules)) {
    const was = before.get(keyOf(rule));
    before.delete(keyOf(rule));
    const effect = rule.warn_only === true ? "is only warned of" : "sends a row to quarantine";
    if (was === undefined) sentences.push(`new: ${what(rule)} ${effect}`);
    else if (was.warn_only !== rule.warn_only) sentences.push(`${what(rule)} now ${effect}`);
  }
  return [...sentences, ...[...before.values()].map((rule) => `${what(rule)} is no longer looked at`)];
}

function toleranceChange(old: unknown, young: unknown): readonly string[] {
  if (old === young) return [];
  const inWords = (seconds: unknown) => (typeof seconds === "number" ? `${seconds / 3600} hours` : "any time");
  return [`a state may now lie ${inWords(young)} after its file's arrival; it was ${inWords(old)}`];
}
