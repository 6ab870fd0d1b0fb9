/** Where is it? An order by its number or by a part of it, and its way here. */
import type { Row } from "../local/notebook-kernel.ts";
import { html, type Html } from "./html.ts";
import { count, counted, ofMore, part, table, text, type Column } from "./pieces.ts";
import type { Tables } from "./tables.ts";
import type { View } from "./views.ts";
import { loadings, type Loading } from "./way.ts";

/** Orders that are shown of those that a text is found in. */
const MAX_FOUND = 50;
/** Orders that are shown where nobody has asked for one. */
const NEWEST = 5;
/** The newest states and rows of one order that are looked at, each. */
const MAX_ROWS = 500;

/** Columns that are shown apart, or that say nothing to people. */
const SHOWN_APART = new Set(["tracking_num", "status", "last_update_timestamp"]);

export const whereIsIt: View = {
  path: "",
  title: "Where is it?",
  page: ({ order = "" }) =>
    html` <form aria-label="Find an order">
        <label for="order">Tracking number or order number, or a part of it</label>
        <div class="ask">
          <input
            id="order"
            name="order"
            type="search"
            value="${order}"
            autocomplete="off"
            spellcheck="false"
            ${order === "" ? html`autofocus` : ""}
          /><button>Find</button>
        </div>
      </form>
      ${part("order", { order }, order === "" ? "Orders that changed last" : `What is known of ${order}`)}`,
  parts: { order: async ({ order = "" }, { tables }) => found(order.trim(), tables) },
};

async function found(asked: string, tables: Tables): Promise<Html> {
  if (asked === "") {
    const newest = await tables.rows("newest_orders", NEWEST);
    return html`<h2>Changed last</h2>
      ${orderTable("Orders that changed last", newest)}`;
  }
  // By its key first: that is found at once among any number of orders.
  const [order] = await tables.rows("order", 1, { tracking_num: asked });
  if (order !== undefined) return wayOf(order, tables);
  const orders = await tables.rows("find_orders", MAX_FOUND + 1, { text: asked });
  const [only, ...others] = orders;
  if (only === undefined) {
    return html`<p role="alert">
      There is no order with <strong>${asked}</strong> in its tracking number or order number. A file that was just
      delivered is shown under <a href="arrivals">What came in?</a>, its rows once they are loaded.
    </p>`;
  }
  if (others.length === 0) return wayOf(only, tables);
  const many = orders.length > MAX_FOUND ? `The first ${MAX_FOUND} of more orders` : counted(orders.length, "order");
  return html`<h2>${many} with “${asked}”</h2>
    ${orderTable(`Orders with ${asked}`, orders.slice(0, MAX_FOUND))}`;
}

function orderTable(caption: string, orders: readonly Row[]): Html {
  const link = (row: Row) => {
    const number = text(row.tracking_num);
    return html`<a href="./?order=${encodeURIComponent(number)}">${number}</a>`;
  };
  const columns: Column[] = [
    { name: "tracking number", of: link },
    { name: "order number", of: (row) => text(row.order_num) },
    { name: "status", of: (row) => text(row.status) },
    { name: "last update", of: (row) => text(row.last_update_timestamp) },
  ];
  return table(caption, columns, orders);
}

async function wayOf(order: Row, tables: Tables): Promise<Html> {
  const key = { tracking_num: text(order.tracking_num) };
  const [states, rows] = await Promise.all([
    tables.rows("order_states", MAX_ROWS + 1, key),
    tables.rows("order_rows", MAX_ROWS + 1, key),
  ]);
  // What is cut off is the oldest: both come with the newest first.
  const asTheyCame = (newestFirst: readonly Row[]) => newestFirst.slice(0, MAX_ROWS).reverse();
  const areRowsCut = rows.length > MAX_ROWS;
  const facts = Object.entries(order)
    .filter(([name, value]) => !SHOWN_APART.has(name) && !name.startsWith("_") && value !== null)
    .map(
      ([name, value]) =>
        html`<div>
          <dt>${name.replaceAll("_", " ")}</dt>
          <dd>${text(value)}</dd>
        </div>`,
    );
  return html`<article class="order">
      <header>
        <h2>${key.tracking_num}</h2>
        <p><strong class="status">${text(order.status)}</strong> ${sinceWhen(order, states)}</p>
      </header>
      <dl>${facts}</dl>
    </article>
    <h2>Its way</h2>
    ${ofMore(states, MAX_ROWS, "newest")}
    ${
      areRowsCut
        ? html`<p class="hint">
            Of the rows that told of it, the newest ${count(MAX_ROWS)} of more: what each meant is told by those alone.
          </p>`
        : ""
    }
    <ol class="way">
      ${loadings(asTheyCame(states), asTheyCame(rows), areRowsCut).map(step)}
    </ol>`;
}

/**
 * Since when an order has its status; where that is not known, when it was last updated, which may have changed others
 * of its values only.
 *
 * @param states of the order, the newest first
 */
function sinceWhen(order: Row, states: readonly Row[]): string {
  const status = ({ status: value }: Row) => text(value).toUpperCase();
  const before = states.findIndex((state) => status(state) !== status(order));
  const areAllKnown = states.length <= MAX_ROWS;
  const first = before === -1 && areAllKnown ? states.at(-1) : states[before - 1];
  return first === undefined ? `last update ${text(order.last_update_timestamp)}` : `since ${text(first.valid_from)}`;
}

function step(loading: Loading): Html {
  const arrived = loading.rows.map(
    (row) =>
      html`<li>from <code>${text(row._source_file)}</code>, loaded ${text(row._ingested_at)}: ${row.decision}</li>`,
  );
  return html`<li ${loading.isCurrent ? html`aria-current="true"` : ""}>
    <p>
      <time>${loading.at}</time>
      <strong>${loading.status}</strong>${loading.changes && html` <span>${loading.changes}</span>`}
    </p>
    <ul>
      ${arrived}
    </ul>
  </li>`;
}
