/** Why a command failed, as a sentence that people can act on. */

/** What to do about what the file system refuses, by its name for that. */
const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full: free some space and run this again, which finishes what was begun",
  EDQUOT: "your share of the disk is used up: free some space and run this again, which finishes what was begun",
  EROFS: "nothing can be written there, since the file system is read-only: name another folder with --home",
  EACCES: "you may not write there: change its permissions, or name another folder with --home",
  EPERM: "you may not write there: change its permissions, or name another folder with --home",
};

/** The error's message, or what to do where the file system is to blame. */
export function failure(error: Error): string {
  const { code = "", path } = error as NodeJS.ErrnoException;
  const remedy = REMEDIES[code];
  return remedy === undefined ? error.message : `${path === undefined ? "" : `${path}: `}${remedy}`;
}
