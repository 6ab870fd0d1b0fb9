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

/** What an address answers; undefined where it cannot be reached or refuses. */
async function fetched(address) {
  try {
    const response = await fetch(address);
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined;
  }
}

const UNANSWERED =
  "This was not answered. Load the page again; if that does not help, start its command again, and use the address that it prints.";

/**
 * Fetches a part, and shows it if it is another than the one that is shown. What came of it: "stale" where what is shown
 * may not hold any more, "renewed" where it was shown before and is up to date again, nothing else.
 */
async function show(part) {
  const text = await fetched(part.dataset.part);
  part.setAttribute("aria-busy", "false");
  if (text === undefined) {
    if (part.shown !== undefined) {
      // What was shown before says more than an error in its place.
      part.isStale = true;
      return "stale";
    }
    part.innerHTML = `<p role="alert">${UNANSWERED}</p>`;
    return undefined;
  }
  const wasStale = part.isStale === true;
  part.isStale = false;
  if (part.shown === text) return wasStale ? "renewed" : undefined;
  const isFirst = part.shown === undefined;
  part.shown = text;
  const open = [...part.querySelectorAll("details[open][id]")].map(({ id }) => id);
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  for (const canvas of part.querySelectorAll("canvas")) Chart.getChart(canvas)?.destroy();
  part.innerHTML = text;
  draw(part);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus();
  return isFirst ? undefined : "renewed";
}

/** The parts within an element that are not in something closed. */
const openParts = (within) =>
  [...within.querySelectorAll("[data-part]")].filter((part) => !part.closest("details:not([open])"));

/** Shows all parts that are not in something closed; one after the other, as Spark answers them. What came of each. */
async function showAll(within = document) {
  return Promise.all(openParts(within).map(show));
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

function sayWhatFailed({ message }) {
  say(`A part of the page could not be shown: ${message}. Load the page again.`);
}

/** Whether something may have changed that this tab was not told of. */
let isBehind = false;

/** Says that what is shown is new, once all of it is, or that some of it is old. */
function sayWhatCame(ofParts) {
  const time = new Date().toISOString().slice(11, 19);
  if (!ofParts.includes("stale")) {
    const isAllNew = !openParts(document).some(({ isStale }) => isStale);
    if (ofParts.includes("renewed") && isAllNew) say(`Updated at ${time}.`);
    return;
  }
  // Once the command has ended, the page says so, which tells more.
  if (!isBehind) say(`Some of the page is not up to date: it was not answered at ${time}. Load the page again.`);
}

let updates = Promise.resolve();

/** Shows what is new, once what is being shown is there; whatever goes wrong, what comes later is shown. */
function update() {
  updates = updates
    .then(() => showAll())
    .then(sayWhatCame)
    .catch(sayWhatFailed)
    .then(askAheadSoon);
}

let changes;

/** Has this tab told of changes, again and again when the connection is lost. */
function listen() {
  changes = new EventSource("changes");
  changes.addEventListener("change", update);
  changes.addEventListener("open", () => {
    if (!isBehind) return;
    isBehind = false;
    say("");
    update();
  });
  changes.addEventListener("error", () => {
    isBehind = true;
    say(
      "The page is not kept up to date any more: its command has ended. Start it again, and use the address that it prints.",
    );
  });
}

// A browser has six connections to the page for all of its tabs: one that nobody looks at leaves its own to the others.
document.addEventListener("visibilitychange", () => {
  changes?.close();
  isBehind = true;
  if (!document.hidden) listen();
});
if (!document.hidden) listen();

document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target instanceof HTMLDetailsElement && target.open) showAll(target).then(sayWhatCame).catch(sayWhatFailed);
  },
  true,
);

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-replay]");
  if (
    button === null ||
    !confirm(
      `${button.textContent}? What is loaded again goes back into the landing directory, and the job loads all that waits there.`,
    )
  )
    return;
  const headers = { "content-type": "application/json" };
  const response = await fetch("replay", { method: "POST", headers, body: button.dataset.replay });
  say(response.ok ? "It is being loaded again: see the top of this page." : (await response.json()).message);
  if (response.ok) document.getElementById("main").scrollIntoView();
});

update();
