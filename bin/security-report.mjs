/** What a scan of the synthesized stacks means. Runs without any npm package. */

/**
 * @typedef {object} Finding one check of one resource, as checkov reports it
 * @property {string} check_id
 * @property {string} check_name
 * @property {string} resource
 * @property {string} file_path the stack's file, from the folder that was scanned
 */

/** The checks that a configuration of checkov accepts, with the reason on their line: "  - CKV_1 # because". */
export function acceptedChecks(configuration) {
  const lines = configuration.split("\n").map((line) => /^\s*- (CKV\w+)(?:\s+# *(.*\S))?/.exec(line));
  return new Map(lines.filter(Boolean).map(([, check, reason]) => [check, reason]));
}

/**
 * Compares what was found with what is accepted.
 *
 * @param {{ passed: readonly Finding[], failed: readonly Finding[] }} scan
 * @param {ReadonlyMap<string, string | undefined>} accepted checks with their reasons
 * @param {readonly string[]} stacks files of the stacks that checkov has checks for
 * @param {string} broken file of a stack that is broken on purpose, so that a scan that finds nothing is noticed
 * @returns {{ problems: readonly string[], notes: readonly string[] }}
 */
export function judge({ passed, failed }, accepted, stacks, broken) {
  const ours = failed.filter(({ file_path }) => file_path !== broken);
  const seen = new Set([...passed, ...failed].map(({ file_path }) => file_path));
  const places = (check) => ours.filter(({ check_id }) => check_id === check).length;
  const problems = [
    ...ours
      .filter(({ check_id }) => !accepted.has(check_id))
      .map((found) => `${found.check_id} ${found.check_name}: ${found.resource} in ${found.file_path}`),
    ...[...accepted].filter(([, reason]) => !reason).map(([check]) => `${check} is accepted without a reason`),
    ...[...accepted.keys()]
      .filter((check) => places(check) === 0)
      .map((check) => `${check} is accepted, but found nowhere: remove it`),
    ...stacks.filter((file) => !seen.has(file)).map((file) => `nothing was checked in ${file}`),
    ...(failed.some(({ check_id, file_path }) => file_path === broken && !accepted.has(check_id))
      ? []
      : ["the stack that is broken on purpose was found to be in order: the scan sees nothing"]),
  ];
  const notes = [...accepted].map(([check, reason]) => `${check} (${places(check)}): ${reason}`);
  return { problems, notes };
}
