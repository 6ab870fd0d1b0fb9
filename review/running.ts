/** What runs differently: jobs, what they run on, their code as a diff, and the contract of the files as sentences. */
import { isForGood } from "./contract.ts";
import { type Difference, isOtherVersion, LATER } from "./differences.ts";
import { type Change, list, record, text } from "./plan.ts";
import { othersOf, whyOf } from "./replacement.ts";
import { blockOf, type Finding, type Scene } from "./scene.ts";
import { counted } from "./text.ts";
import { actionInWords, typeInWords } from "./words.ts";

/** A file that is shipped, as it was deployed and as it will be. */
export interface FileChange {
  /** Within the repository. */
  readonly file: string;
  /** The copy to be, as the plan names it: several files have the same name. */
  readonly source: string;
  /** Whether it was not deployed before. */
  readonly isNew: boolean;
  readonly added: number;
  readonly removed: number;
  /** A unified diff; what says more than a person reads is left to `git`. */
  readonly diff: string;
}

/** A shipped file's content that differs, or a field of something that runs. */
export interface RunningFinding extends Finding {
  readonly diff?: string;
}

const RUNNING = [
  "databricks_job",
  "databricks_cluster",
  "databricks_cluster_policy",
  "databricks_sql_endpoint",
  "databricks_alert_v2",
  "databricks_query",
  "databricks_dashboard",
  "databricks_notification_destination",
];
/** What starts something by itself. */
const STARTS = ["trigger", "schedule", "continuous"];
const CODE = ["databricks_notebook", "databricks_workspace_file", "databricks_directory"];

/** @param contract what the contract of the files says otherwise, in sentences */
export function findRunning(
  scene: Scene,
  files: readonly FileChange[],
  contract: readonly string[],
): readonly RunningFinding[] {
  return [
    ...(contract.length > 0 ? [contractFinding(scene, contract)] : []),
    ...scene.changes.filter(({ type }) => RUNNING.includes(type)).flatMap((change) => findingsOf(change, scene)),
    ...files.map((file) => fileFinding(scene, file)),
    ...codeWithoutDiff(scene, files),
  ];
}

function contractFinding(scene: Scene, sentences: readonly string[]): RunningFinding {
  return {
    ...ofPipeline(scene),
    headline: "The contract of the order files changes.",
    details: sentences.map((each) => scene.secrets.mask(each)),
    needsSecondLook: sentences.some(isForGood),
  };
}

function fileFinding(scene: Scene, { file, isNew, added, removed, diff }: FileChange): RunningFinding {
  return {
    ...ofPipeline(scene),
    headline: `${scene.show(file)} ${isNew ? "is new" : "changes"}: +${added} -${removed}.`,
    details: [],
    diff: scene.secrets.mask(diff),
    needsSecondLook: false,
  };
}

/** Code ships with the stack that has the jobs. */
function ofPipeline(scene: Scene) {
  const code = scene.changes.find(({ type }) => CODE.includes(type));
  return { stack: code?.stack ?? `${scene.environment}-pipeline`, address: code?.address ?? "" };
}

/** Whether the file's name carries the hash of another content on the other side. */
export function hasOtherContent({ before, after }: Change): boolean {
  const [previous, next] = [before, after].map((side) => text(side.source));
  return previous !== "" && next !== "" && previous !== next;
}

/** Files of which no diff is shown: those that go, and those whose content, old or new, is not in this repository. */
function codeWithoutDiff(scene: Scene, files: readonly FileChange[]): readonly RunningFinding[] {
  return scene.changes
    .filter(({ type, after }) => CODE.includes(type) && !files.some(({ source }) => source === after.source))
    .flatMap((change) => {
      const how = hasOtherContent(change)
        ? "changes, and what was deployed is not in this repository's history"
        : isOneOfMany(change, scene) && { create: "is new", destroy: "goes" }[change.action as string];
      if (!how) return [];
      const headline = `${scene.show(pathInVersion(change))} ${how}.`;
      return [{ ...scene.about(change), headline, details: [], needsSecondLook: false }];
    });
}

/** Whether a file comes or goes while others stay: neither a first deployment nor the end of one. */
function isOneOfMany({ type, action }: Change, scene: Scene): boolean {
  const isFile = (each: string) => CODE.includes(each) && each !== "databricks_directory";
  return isFile(type) && scene.changes.some((other) => isFile(other.type) && other.action !== action);
}

/** Where a file is in the folder of its version. */
function pathInVersion({ before, after }: Change): string {
  return (text(after.path) || text(before.path) || text(after.source)).replace(/^.*\/code-[0-9a-f]+\//, "");
}

function findingsOf(change: Change, scene: Scene): readonly RunningFinding[] {
  const { action, type } = change;
  const what = `The ${typeInWords(type)} ${scene.nameOf(change)}`;
  if (action === "create" && type === "databricks_job") {
    scene.tell(change);
    return [
      {
        ...scene.about(change),
        headline: `${what} is new${startOf(change, scene)}.`,
        details: [],
        needsSecondLook: false,
      },
    ];
  }
  if (action === "destroy" || action === "replace") {
    const history = type === "databricks_job" ? ["The list of its runs goes with it."] : [];
    const others = othersOf(change, differencesToTell(change, scene));
    scene.tell(change);
    return [
      {
        ...scene.about(change),
        headline: `${what} ${actionInWords(action)}.`,
        details: [...whyOf(change, scene), ...history, ...differencesInWords(others, scene)],
        needsSecondLook: false,
      },
    ];
  }
  if (action !== "update") return [];
  const differences = differencesToTell(change, scene);
  if (differences.length === 0) return [];
  scene.tell(
    change,
    differences.map(({ path }) => path),
  );
  const isAboutCodeOnly = differences.every(isOtherVersion);
  const headline = isAboutCodeOnly ? `${what} runs another version of the code.` : `${what} is changed.`;
  return [
    { ...scene.about(change), headline, details: differencesInWords(differences, scene), needsSecondLook: false },
  ];
}

function differencesToTell(change: Change, scene: Scene): readonly Difference[] {
  const untold = scene.untold(change) ?? scene.differences(change);
  return untold.filter((difference) => !isNoise(difference));
}

function differencesInWords(differences: readonly Difference[], scene: Scene): readonly string[] {
  const moves = differences.filter(isOtherVersion);
  return [
    ...differences.filter((each) => !isOtherVersion(each)).map((each) => inWords(each, scene)),
    ...(moves.length > 0 ? [`${counted(moves.length, "task")} from the new version's folder`] : []),
  ];
}

/** Fields that change nothing that runs, and what only the service writes down. */
const isNoise = ({ path, after }: Difference) =>
  /^(tags|timeouts|url|etag|md5|.*_time|custom_tags)(\.|$)/.test(path) ||
  (after === LATER && /(^|\.)(effective_\w+|\w*state|last_evaluated_at|owner_user_name)$/.test(path));

function inWords(difference: Difference, scene: Scene): string {
  const { path, before, after } = difference;
  const parameter = /^parameter\[(.+)\]\.default$/.exec(path)?.[1];
  if (parameter !== undefined)
    return `parameter ${scene.show(parameter)}: ${scene.showBoth(before, after).join(" → ")}`;
  return scene.showDifference(difference);
}

function startOf({ after }: Change, scene: Scene): string {
  const [start] = STARTS.filter((each) => list(after[each]).length > 0);
  if (start === undefined) return ", and starts when somebody asks";
  const block = record(list(after[start])[0]);
  if (block.pause_status === "PAUSED") return ", and paused";
  const url = blockOf(block, "file_arrival").url;
  if (url !== undefined) return `, and starts when files arrive in ${scene.show(url)}`;
  return start === "schedule"
    ? `, and starts by the clock: ${scene.show(block.quartz_cron_expression)} ${scene.show(block.timezone_id)}`
    : ", and always runs";
}
