/** `order-tracking reset`: empties a home. */
import { emptyHome, findHome, isHome, withHomeLocked } from "../../local/home.ts";
import { agreed } from "../agreed.ts";
import { homeOption, parseArguments, shownPath, userPath } from "../arguments.ts";

export const usage = `Usage: npm run -s order-tracking -- reset [--yes] [--home DIR]

Removes the tables, the files in the volume (also those that wait to be loaded) and the logs, after asking.

  --yes       do not ask
  --home DIR  what to empty (default: .local)
`;

/** Removes everything that was loaded, once the person agrees. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArguments({
    args: [...args],
    options: { ...homeOption, yes: { type: "boolean", default: false } },
  });
  const directory = userPath(values.home);
  if (!isHome(directory)) {
    console.error(`No orders have been loaded into ${shownPath(directory)}: there is nothing to remove.`);
    return 0;
  }
  const home = findHome(directory);
  const question = `Remove all orders, files and logs in ${shownPath(home.directory)}?`;
  if (!(await agreed(question, !values.yes))) return 1;
  await withHomeLocked(home.directory, () => {
    emptyHome(home);
    return Promise.resolve();
  });
  console.error(`${shownPath(home.directory)} is empty.`);
  return 0;
}
