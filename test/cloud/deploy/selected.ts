/** What `npm run test:deploy` was asked for, through variables of the process. */

/** The one environment to deploy; all of them where none is named. */
export const ONLY = process.env.ORDER_TRACKING_DEPLOY_ENVIRONMENT;
/** How many first deployments of each environment to do instead of everything else, with as many seeds. */
export const FIRST_DEPLOYMENTS = Number(process.env.ORDER_TRACKING_FIRST_DEPLOYMENTS ?? 0);
export const SEED = Number(process.env.ORDER_TRACKING_DEPLOY_SEED ?? 1);
/** How many sandboxes are taken down while something goes wrong. */
export const TEARDOWNS = Number(process.env.ORDER_TRACKING_DEPLOY_TEARDOWNS ?? 3);
