/** What would it be in Azure? An environment's stacks as a picture, from synthesized files only. */
import path from "node:path";
import type { Home } from "../local/home.ts";
import { readEnvironments, writtenAt } from "../local/synthesized-job.ts";
import { html, type Html } from "./html.ts";
import { counted, part, table } from "./pieces.ts";
import { type Cost, type Group, type Picture, readPicture, type Right, type Stack } from "./stacks.ts";
import type { View } from "./views.ts";

/** Where `cdktf synth` writes. */
const SYNTHESIZED = path.join(__dirname, "../cdktf.out");

/** Names of resources of one kind that are written out. */
const MAX_NAMED = 4;

export const inAzure: View = {
  path: "azure",
  title: "What would it be in Azure?",
  page: ({ environment = "" }, { home }) => {
    const environments = [...environmentsOf(home).keys()];
    const shown = environments.includes(environment) ? environment : (environments[0] ?? "");
    const links = environments.map(
      (name) =>
        html`<li>
          <a href="azure?environment=${encodeURIComponent(name)}" ${name === shown ? html`aria-current="page"` : ""}
            >${name}</a
          >
        </li>`,
    );
    return html` <nav aria-label="Environments" class="environments">
        <ul>
          ${links}
        </ul>
      </nav>
      <p class="hint">
        From the files that a deployment would take, without an account. <code>npx cdktf synth</code> writes those of
        every environment.
      </p>
      ${part("stacks", { environment: shown }, `Stacks of ${shown}`, "Reading the stacks …")}`;
  },
  parts: {
    stacks: ({ environment = "" }, { home }) => Promise.resolve(stacks(environment, home)),
  },
};

/** Each environment that was synthesized to be deployed or is run here, and where. */
function environmentsOf({ synthesized }: Home): Map<string, string> {
  return environmentsIn([SYNTHESIZED, synthesized]);
}

/** Each environment that was synthesized, and the folder where it was last. */
export function environmentsIn(folders: readonly string[]): Map<string, string> {
  const last = new Map<string, string>();
  for (const folder of folders) {
    for (const environment of readEnvironments(folder)) {
      const known = last.get(environment);
      if (known === undefined || writtenAt(folder, environment) > writtenAt(known, environment))
        last.set(environment, folder);
    }
  }
  return last;
}

function stacks(environment: string, home: Home): Html {
  const folder = environmentsOf(home).get(environment);
  const picture = folder === undefined ? undefined : readPicture(folder, environment);
  if (picture === undefined) return html`<p>Nothing is synthesized yet: <code>npx cdktf synth</code> does it.</p>`;
  return html`<ol class="stacks">
      ${picture.stacks.map((stack) => box(environment, stack))}
    </ol>
    <p class="hint"><span class="idle">costs while idle</span> marks what costs something while nothing happens.</p>
    <h2>What costs money</h2>
    ${costTable(picture)}
    <h2>Who may do what</h2>
    ${rightsTable(picture)}`;
}

function box(environment: string, { name, count, groups }: Stack): Html {
  return html`<li>
    <article>
      <h2>${environment}-${name}</h2>
      <p class="hint">${counted(count, "resource")}</p>
      ${groups.map(groupBox)}
    </article>
  </li>`;
}

function groupBox({ name, resources }: Group): Html {
  const lines = resources.map(({ kind, names, costsWhileIdle }) => {
    const named = names.length > MAX_NAMED ? `${names.length} of them` : names.join(", ");
    return html`<li>
      ${kind} <code>${named}</code>${costsWhileIdle ? html` <span class="idle">costs while idle</span>` : ""}
    </li>`;
  });
  return html`<section>
    <h3>${name}</h3>
    <ul>
      ${lines}
    </ul>
  </section>`;
}

function costTable({ costs }: Picture): Html {
  const columns = [
    { name: "what", of: ({ what }: Cost) => what },
    { name: "its cost follows", of: ({ follows }: Cost) => follows },
    { name: "while nothing happens", of: ({ whileIdle }: Cost) => whileIdle ?? "free" },
  ];
  return html`${table("What costs money", columns, costs)}
    <p class="hint">
      Everything else is free: identities, roles, names in the catalog, notebooks, definitions of jobs.
    </p>`;
}

function rightsTable({ rights }: Picture): Html {
  const columns = [
    { name: "who", of: ({ who }: Right) => who },
    { name: "may", of: ({ may }: Right) => may },
    { name: "on", of: ({ on }: Right) => on },
  ];
  if (rights.length === 0) return html`<p>Nobody but who deploys it: this environment names no groups.</p>`;
  const sorted = [...rights].sort((one, other) => one.who.localeCompare(other.who));
  return table("Who may do what", columns, sorted);
}
