/** What the commands that are timed ask of the tables. */

export const TRACKING_NUM = "TRK100009";

export const TRACK = [
  `SELECT * FROM orders_table WHERE tracking_num = '${TRACKING_NUM}'`,
  `SELECT * FROM orders_history WHERE tracking_num = '${TRACKING_NUM}' ORDER BY valid_from`,
];

export const QUERY = "SELECT status, count(*) AS orders FROM orders_table GROUP BY status ORDER BY orders DESC";

/** The saved queries that `npm start` shows. */
export const REPORTS = ["orders_by_status", "quarantined_by_reason"];
