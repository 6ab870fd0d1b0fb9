/** In the browser: fetches the parts of a view, draws their charts, and fetches them again when something has changed. */

/* global Chart, DOMParser, clearTimeout, confirm, getComputedStyle, matchMedia, setTimeout */

/** Colours that can be told apart by most people, and that are clear on light and on dark. */
const COLORS = ["#3b82d0", "#c9782a", "#2f9e83", "#b4589d", "#8b8f3a", "#7b7f8a"];

const DAY = 86_400_000;

/** Writes milliseconds since the epoch as a day and a minute, in UTC. */
const asTime = (milliseconds) => new Date(milliseconds).toISOString().slice(5, 16).replace("T", " ");

/** An axis from a whole day, or hour, to another one, with six marks at most between them. */
function timeScale(datasets) {
  const times = datasets.flatMap(({ data }) => data.map(({ x }) => x));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const unit = last - first > 2 * DAY ? DAY : DAY / 24;
  const [min, max] = [Math.floor(first / unit) * unit, Math.ceil((last + 1) / unit) * unit];
  const ticks = {
    stepSize: unit * Math.ceil((max - min) / unit / 6),
    callback: (time) => (unit === DAY ? asTime(time).slice(0, 5) : asTime(time)),
    maxRotation: 0,
  };
  return { min, max, ticks };
}

/** Draws the charts within an element, in the colours of the present theme. */
function draw(within) {
  const style = getComputedStyle(document.documentElement);
  Chart.defaults.color = style.getPropertyValue("--pico-color").trim();
  Chart.defaults.borderColor = style.getPropertyValue("--pico-muted-border-color").trim();
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.animation = false;
  for (const canvas of within.querySelectorAll("canvas[data-chart]")) {
    Chart.getChart(canvas)?.destroy();
    const config = JSON.parse(canvas.dataset.chart);
    config.data.datasets.forEach((series, index) => {
      const color = COLORS[index % COLORS.length];
      Object.assign(series, { backgroundColor: color, borderColor: color, maxBarThickness: 36 });
    });
    for (const scale of Object.values(config.options.scales)) {
      if (scale.isTime) Object.assign(scale, timeScale(config.data.datasets));
    }
    if (config.options.scales.x.isTime) {
      config.options.plugins.tooltip = { callbacks: { title: ([point]) => asTime(point.parsed.x) } };
    }
    new Chart(canvas, config);
  }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(document));

/** Fetches a part, and shows it if it is another than the one that is shown. */
async function show(part) {
  const response = await fetch(part.dataset.part);
  const text = await response.text();
  part.setAttribute("aria-busy", "false");
  if (!response.ok || part.shown === text) return false;
  const isFirst = part.shown === undefined;
  part.shown = text;
  const open = [...part.querySelectorAll("details[open][id]")].map(({ id }) => id);
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  for (const canvas of part.querySelectorAll("canvas")) Chart.getChart(canvas)?.destroy();
  part.innerHTML = text;
  draw(part);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus();
  return !isFirst;
}

/** Shows all parts that are not in something closed; one after the other, as Spark answers them. */
async function showAll(within = document) {
  const parts = [...within.querySelectorAll("[data-part]")].filter((part) => !part.closest("details:not([open])"));
  const changed = await Promise.all(parts.map(show));
  return changed.includes(true);
}

/** Until so long after the last change nothing is asked ahead, so that a job at work has Spark to itself. */
const QUIET = 3000;
let ahead = 0;

/** Asks for what the other views show, one part after the other: the page then has it when somebody goes there. */
async function askAhead() {
  for (const { href } of document.querySelectorAll("nav a:not([aria-current])")) {
    const view = new DOMParser().parseFromString(await (await fetch(href)).text(), "text/html");
    for (const part of view.querySelectorAll("[data-part]")) await (await fetch(part.dataset.part)).text();
  }
}

function askAheadSoon() {
  clearTimeout(ahead);
  ahead = setTimeout(() => void askAhead().catch(() => undefined), QUIET);
}

function say(text) {
  document.getElementById("said").textContent = text;
}

let updates = Promise.resolve();
const changes = new EventSource("changes");
changes.addEventListener("change", () => {
  updates = updates
    .then(() => showAll())
    .then((changed) => {
      if (changed) say(`Updated at ${new Date().toISOString().slice(11, 19)}.`);
      askAheadSoon();
    });
});
changes.addEventListener("error", () => {
  say(
    "The page is not kept up to date any more: its command has ended. Start it again, and use the address that it prints.",
  );
});

document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target instanceof HTMLDetailsElement && target.open) void showAll(target);
  },
  true,
);

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-replay]");
  if (
    button === null ||
    !confirm(`${button.textContent}? The files go back into the landing directory, and the job runs.`)
  )
    return;
  const headers = { "content-type": "application/json" };
  const response = await fetch("replay", { method: "POST", headers, body: button.dataset.replay });
  say(response.ok ? "It is being loaded again: see the top of this page." : (await response.json()).message);
  if (response.ok) document.getElementById("main").scrollIntoView();
});

await showAll();
askAheadSoon();
