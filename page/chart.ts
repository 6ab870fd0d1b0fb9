/** Charts as Chart.js takes them, in plain JSON: the browser fills in only the colours and how times are written. */
import type { Row } from "../local/notebook-kernel.ts";
import { html, type Html, json } from "./html.ts";
import { type Column, table } from "./pieces.ts";

/** One series: its name, and a value for each label or a point of its own for each. */
export interface Series {
  readonly label: string;
  readonly data: readonly (number | null | readonly [number, number] | { readonly x: number; readonly y: number })[];
}

/** An axis. */
export interface Axis {
  readonly title: string;
  /** Whether its numbers are milliseconds since the epoch. */
  readonly isTime?: boolean;
}

/** A chart: the kind of its marks, what is along its axes, and its series. */
export interface Chart {
  readonly type: "bar" | "line" | "scatter";
  readonly labels?: readonly string[];
  readonly series: readonly Series[];
  readonly x: Axis;
  readonly y: Axis;
  /** Whether bars lie, from left to right. */
  readonly isHorizontal?: boolean;
  readonly isStacked?: boolean;
  /** Whether the bars of one label share a line instead of lying side by side. */
  readonly sharesLine?: boolean;
}

/**
 * A chart, what it says in words, and the numbers behind it as a table.
 *
 * @param id of the table, in this view
 */
export function chartFigure(
  id: string,
  title: string,
  words: string,
  chart: Chart,
  columns: readonly Column[],
  rows: readonly Row[],
): Html {
  const height = chart.isHorizontal ? `lines-${Math.min(40, 2 + 2 * Math.ceil((chart.labels ?? []).length / 2))}` : "";
  return html`<figure>
    <div class="canvas ${height}">
      <canvas role="img" aria-label="${title}: ${words}" data-chart="${json(asChartJs(chart))}"></canvas>
    </div>
    <details id="${id}-numbers">
      <summary>${title}: the numbers</summary>
      ${table(title, columns, rows)}
    </details>
  </figure>`;
}

function asChartJs({ type, labels, series, x, y, isHorizontal = false, isStacked = false, sharesLine }: Chart): object {
  const axis = ({ title, isTime = false }: Axis) => ({
    title: { display: title !== "", text: title },
    stacked: isStacked,
    ...(isTime && { type: "linear", isTime }),
  });
  return {
    type,
    data: { labels, datasets: series.map((each) => ({ ...each, ...(sharesLine && { grouped: false }) })) },
    options: {
      indexAxis: isHorizontal ? "y" : "x",
      maintainAspectRatio: false,
      // What is counted has no halves; what is measured is long enough to do without them.
      scales: { x: axis(x), y: { ...axis(y), beginAtZero: true, ticks: { precision: 0 } } },
      plugins: { legend: { display: series.length > 1, position: "bottom" } },
    },
  };
}
