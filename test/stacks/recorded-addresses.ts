/** Whether Terraform would still find, under the addresses of now, what it once created under recorded ones. */

/** Physical names of resources by their addresses (`<type>.<id>`), by stack. */
export type Addresses = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A `moved` block: what is at `from` is at `to` from now on, and nothing is created anew. */
export interface Move {
  readonly from: string;
  readonly to: string;
}

/** How the record is brought up to date, on purpose. */
export const RECORD_COMMAND = "RECORD_ADDRESSES=1 npx jest test/stacks/recorded-addresses.test.ts";

/**
 * What to do about each resource that is not where it was recorded; empty where all of them are.
 *
 * @param moves the `moved` blocks of each stack
 */
export function describeChanges(recorded: Addresses, now: Addresses, moves: Readonly<Record<string, readonly Move[]>>) {
  const stacksBySentence = new Map<string, string[]>();
  const tell = (stack: string, sentence: string) => {
    stacksBySentence.set(sentence, [...(stacksBySentence.get(sentence) ?? []), stack]);
  };
  for (const stack of new Set([...Object.keys(recorded), ...Object.keys(now)])) {
    const [before, after, moved] = [recorded[stack] ?? {}, now[stack] ?? {}, moves[stack] ?? []];
    const gone = Object.keys(before).filter((each) => !(each in after) && !moved.some(({ from }) => from === each));
    const added = Object.keys(after).filter((each) => !(each in before) && !moved.some(({ to }) => to === each));
    const successors = gone.map((from) =>
      added.find((to) => typeOf(to) === typeOf(from) && after[to] === before[from]),
    );
    gone.forEach((from, index) => {
      const to = successors[index];
      tell(stack, to === undefined ? sentenceForLost(from) : sentenceForMoved(from, to));
    });
    for (const each of added) if (!successors.includes(each)) tell(stack, sentenceForNew(each));
  }
  return [...stacksBySentence].map(([sentence, stacks]) => `${stacks.join(", ")}: ${sentence}`).join("\n");
}

const typeOf = (address: string) => address.split(".")[0];

function sentenceForMoved(from: string, to: string): string {
  return (
    `${from} would be deleted, and created anew as ${to}. Say at the resource that it is the same:\n` +
    `    resource.moveFromId("${from}");\n` +
    `  Once every environment has been deployed with that: ${RECORD_COMMAND}`
  );
}

function sentenceForLost(address: string): string {
  return `${address} would be deleted with what it holds. If that is meant: ${RECORD_COMMAND}`;
}

function sentenceForNew(address: string): string {
  return `${address} is new, and not recorded yet: ${RECORD_COMMAND}`;
}
