import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { json } from "node:stream/consumers";
import type * as AzureCli from "../../deploy/azure-cli.ts";

/** The exit code of `az` for something that is not there. */
const NOT_FOUND = 3;

/** In place of `deploy/azure-cli.ts`: asks the stand-in for the cloud what its `az` would, but starts no program. */
export function azWithoutProcess(actual: typeof AzureCli): typeof AzureCli {
  const finish = async (call: AzureCli.AzCall): Promise<AzureCli.Finished> => {
    const asked = request(`${process.env.HTTPS_PROXY}/az`, { method: "POST", agent: false });
    asked.end(JSON.stringify([...actual.words(call), "--output", "json", "--only-show-errors"]));
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    return (await json(answer)) as AzureCli.Finished;
  };
  return {
    ...actual,
    az: async (call) => actual.resultOf(call, await finish(call)),
    async azIfThere(call) {
      const finished = await finish(call);
      return finished.code === NOT_FOUND ? undefined : actual.resultOf(call, finished);
    },
  };
}
