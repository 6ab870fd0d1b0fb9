/** What every view of the page has around it. */
import type { Home } from "../local/home.ts";
import { html, type Html } from "./html.ts";
import { type View, views } from "./views.ts";

/** A whole document with a view in it. */
export function shell(view: View, content: Html, home: Home): Html {
  const links = views.map(
    ({ path, title }) =>
      html`<li><a href="./${path}" ${path === view.path ? html`aria-current="page"` : ""}>${title}</a></li>`,
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${view.title} · Order tracking</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="assets/pico.css" />
        <link rel="stylesheet" href="assets/page.css" />
        <script src="assets/chart.js" defer></script>
        <script src="assets/page.mjs" type="module"></script>
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        <header>
          <p class="name">Order tracking</p>
          <nav aria-label="Views">
            <ul>
              ${links}
            </ul>
          </nav>
        </header>
        <main id="main" tabindex="-1">
          <h1>${view.title}</h1>
          <noscript><p role="alert">This page needs JavaScript, its own only.</p></noscript>
          ${content}
        </main>
        <footer>
          <p>Tables and files of <code>${home.directory}</code>. Times are in UTC.</p>
          <p id="said" role="status"></p>
        </footer>
      </body>
    </html> `;
}
