/** Runs of jobs: started by people, and what came of them. */
import { z } from "zod";
import { bodyOf, Refusal, reply, type Route } from "../http.ts";
import type { JobRunner, Run } from "./job-runner.ts";
import { runsOf } from "./job-runner.ts";
import { jobsOf } from "./jobs.ts";
import { isPermitted } from "./permissions.ts";
import { denied, invalid, type Workspace, type Workspaces } from "./workspace.ts";

const runNow = z.strictObject({
  job_id: z.int(),
  job_parameters: z.record(z.string(), z.string()).optional(),
});

/** Levels on a job, each with those that include it. */
const MANAGE_RUN = ["CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"];
const VIEW = ["CAN_VIEW", ...MANAGE_RUN];

/** @param runner runs them, where there is one */
export function jobRunRoutes(workspaces: Workspaces, runner: JobRunner | undefined): readonly Route[] {
  const run = (workspace: Workspace, id: unknown) => {
    const found = runsOf(workspace).get(String(id));
    if (!found) throw invalid(`Run ${String(id)} does not exist.`);
    return found;
  };
  const routes = (api: string) =>
    workspaces.routes({
      [`POST ${api}/run-now`]: (workspace, call, caller) => {
        const { job_id, job_parameters = {} } = bodyOf(call, runNow);
        const job = jobsOf(workspace).get(String(job_id));
        if (!job) throw invalid(`Job ${job_id} does not exist.`);
        if (!isPermitted(workspace, caller, [`/jobs/${job_id}`], MANAGE_RUN)) {
          throw denied(`${caller.name} lacks CAN_MANAGE_RUN on job ${job_id}`);
        }
        const started = runner?.start(workspace, job, "ONE_TIME", job_parameters);
        if (!started) throw new Refusal(501, "NotImplemented", "this stand-in was started without what runs jobs");
        return reply(200, { run_id: started.run_id, number_in_job: started.run_id });
      },
      [`GET ${api}/runs/get`]: (workspace, { query }, caller) => {
        const found = run(workspace, query.get("run_id"));
        if (!isPermitted(workspace, caller, [`/jobs/${found.job_id}`], VIEW)) {
          throw denied(`${caller.name} lacks CAN_VIEW on job ${found.job_id}`);
        }
        return reply(200, shown(found));
      },
      [`GET ${api}/runs/list`]: (workspace, { query }, caller) => {
        const wanted = query.get("job_id");
        const runs = runsOf(workspace)
          .values()
          .filter(({ job_id }) => wanted === null || wanted === String(job_id))
          .filter(({ job_id }) => isPermitted(workspace, caller, [`/jobs/${job_id}`], VIEW));
        return reply(200, { runs: runs.toReversed().map(shown), has_more: false });
      },
    });
  return ["/api/2.1/jobs", "/api/2.2/jobs"].flatMap(routes);
}

/** The state as the interface spells it. */
const spelled = (state: Run["state"], result?: string, message = "") => ({
  life_cycle_state: state,
  ...(result !== undefined && { result_state: result }),
  state_message: message,
});

function shown({ run_id, job_id, job_name, trigger, run_as, start_time, state, result, message, tasks }: Run) {
  return {
    ...{ run_id, job_id, run_name: job_name, trigger, creator_user_name: run_as, start_time },
    run_type: "JOB_RUN",
    state: spelled(state, result, message),
    tasks: tasks.map(({ key, status, message: why }) => ({
      task_key: key,
      state: spelled(status === undefined ? "RUNNING" : "TERMINATED", status, why ?? ""),
    })),
  };
}
