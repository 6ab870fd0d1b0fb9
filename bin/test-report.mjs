/** What test runners of two languages report, as one list, and what people want to know of it. Runs without any npm package. */

/**
 * @typedef {object} Result
 * @property {string} file the test's file, from the checkout's root
 * @property {string} name
 * @property {"passed" | "failed" | "skipped"} outcome
 * @property {number} seconds
 * @property {string} [reason] why it was skipped
 */

const SLOWEST = 10;

/** A test that is skipped says why in its name, or in that of what it is in: "... (skipped: why)". */
const REASON = /\(skipped: (.*)\)/;

/**
 * @param {string} json what `jest --json` writes
 * @param {string} root the checkout
 * @returns {Result[]}
 */
export function jestResults(json, root) {
  return JSON.parse(json).testResults.flatMap(({ name, assertionResults, status, message }) => {
    const file = name.replace(`${root}/`, "");
    if (status === "failed" && assertionResults.length === 0) {
      return [{ file, name: message.trim().split("\n", 1)[0], outcome: "failed", seconds: 0 }];
    }
    return assertionResults.map(({ fullName, status: outcome, duration }) => ({
      file,
      name: fullName,
      outcome: outcome === "passed" || outcome === "failed" ? outcome : "skipped",
      seconds: (duration ?? 0) / 1000,
      reason: REASON.exec(fullName)?.[1],
    }));
  });
}

/**
 * @param {string} xml what `pytest --junitxml` writes
 * @returns {Result[]}
 */
export function pytestResults(xml) {
  return [...xml.matchAll(/<testcase ([^>]*?)(?:\/>|>(.*?)<\/testcase>)/gs)].map(([, attributes, inner = ""]) => {
    const attribute = (name, text = attributes) => unescape(new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? "");
    const outcome = /<(failure|error)\b/.test(inner) ? "failed" : inner.includes("<skipped") ? "skipped" : "passed";
    return {
      file: `${attribute("classname").replaceAll(".", "/")}.py`,
      name: attribute("name"),
      outcome,
      seconds: Number(attribute("time")),
      reason: outcome === "skipped" ? attribute("message", inner) : undefined,
    };
  });
}

function unescape(text) {
  const named = { lt: "<", gt: ">", quot: '"', amp: "&" };
  return text.replace(/&(?:#(\d+)|(lt|gt|quot|amp));/g, (_, code, name) =>
    code ? String.fromCodePoint(code) : named[name],
  );
}

/**
 * @param {readonly Result[]} results
 * @returns {{ lines: readonly string[], failed: number }} the lines end with the counts
 */
export function report(results) {
  const of = (outcome) => results.filter((result) => result.outcome === outcome);
  const [passed, failed, skipped] = ["passed", "failed", "skipped"].map(of);
  const line = (seconds, text) => `  ${seconds.toFixed(1).padStart(6)} s  ${text}`;
  const slowest = [...results].sort((one, other) => other.seconds - one.seconds).slice(0, SLOWEST);
  return {
    lines: [
      "Test files, the slowest first",
      ...sums(
        results,
        ({ file }) => file,
        ({ seconds }) => seconds,
      ).map(([file, seconds]) => line(seconds, file)),
      "The slowest tests",
      ...slowest.map(({ file, name, seconds }) => line(seconds, `${file}: ${name}`)),
      ...(skipped.length === 0 ? [] : ["Skipped"]),
      ...sums(
        skipped,
        ({ file, reason }) => `${file}: ${reason ?? "without a reason"}`,
        () => 1,
      ).map(([why, count]) => `  ${count} in ${why}`),
      ...(failed.length === 0 ? [] : ["Failed"]),
      ...failed.map(({ file, name }) => `  ${file}: ${name}`),
      `${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`,
    ],
    failed: failed.length,
  };
}

/** The sums of a value by a key, the largest first. */
function sums(results, key, value) {
  const found = new Map();
  for (const result of results) found.set(key(result), (found.get(key(result)) ?? 0) + value(result));
  return [...found].sort(([, one], [, other]) => other - one);
}
