/** Whether today's load is as usual: what of it is compared with what, and what is not as it should be. */

import { counted } from "./pieces.ts";

/** What was loaded on a day. */
export interface DayOfLoads {
  /** As YYYY-MM-DD. */
  readonly day: string;
  readonly files: number;
  readonly files_rejected: number;
  readonly rows_read: number;
  readonly rows_quarantined: number;
}

/** More of it, and the job itself fails in its quality gate. */
export interface Limits {
  readonly quarantinedPercent: number;
  readonly rejectedFiles: number;
}

/** One thing that was looked at. */
export interface Finding {
  readonly isFine: boolean;
  readonly sentence: string;
}

export interface Judgement {
  readonly headline: string;
  readonly isFine: boolean;
  readonly findings: readonly Finding[];
}

/** A day is unusual with less than a share of the usual rows, or with more than so many times of them. */
const LEAST_SHARE = 0.5;
const MOST_TIMES = 2;

/** @param days those with loads, the oldest first; today is the last of them where something was loaded */
export function judge(days: readonly DayOfLoads[], today: string, limits: Limits): Judgement {
  // Where all files of a day were rejected, it tells nothing of how many rows are usual.
  const before = days.filter(({ day, files, files_rejected }) => day < today && files > files_rejected);
  const load = days.find(({ day }) => day === today);
  const usual = median(before.map(({ rows_read }) => rows_read));
  const compared =
    usual === undefined ? "no day before it to compare with" : `${number(Math.round(usual))} on a usual day`;
  if (load === undefined) {
    const headline =
      usual === undefined ? "Nothing has been loaded in the last 30 days" : "Nothing has been loaded today";
    return { headline, isFine: false, findings: [{ isFine: false, sentence: `No rows today; ${compared}.` }] };
  }
  const { files, files_rejected, rows_read, rows_quarantined } = load;
  const percent = rows_read === 0 ? 0 : (100 * rows_quarantined) / rows_read;
  const isUsual = usual === undefined || (rows_read >= LEAST_SHARE * usual && rows_read <= MOST_TIMES * usual);
  const findings = [
    {
      isFine: isUsual,
      sentence: `${counted(rows_read, "row")} in ${counted(files - files_rejected, "file")}; ${compared}.`,
    },
    {
      isFine: percent <= limits.quarantinedPercent,
      sentence: `${counted(rows_quarantined, "row")} quarantined, ${number(percent)} % of them; ${number(limits.quarantinedPercent)} % are allowed.`,
    },
    {
      isFine: files_rejected <= limits.rejectedFiles,
      sentence: `${counted(files_rejected, "file")} rejected; ${number(limits.rejectedFiles)} in a run are allowed.`,
    },
  ];
  const isFine = findings.every((finding) => finding.isFine);
  return { headline: isFine ? "Today’s load is normal" : "Today’s load needs a look", isFine, findings };
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  return sorted.length % 2 === 1 || upper === undefined ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function number(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: 1 });
}
