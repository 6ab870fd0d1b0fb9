/** The views of the page, in the order in which they are offered. */
import type { Home } from "../local/home.ts";
import { howIsItGoing } from "./how-is-it-going.ts";
import type { Html } from "./html.ts";
import { inAzure } from "./in-azure.ts";
import type { Replays } from "./replays.ts";
import type { Tables } from "./tables.ts";
import { whatCameIn } from "./what-came-in.ts";
import { whereIsIt } from "./where-is-it.ts";

/** What a view is about. */
export interface About {
  readonly home: Home;
  readonly tables: Tables;
  readonly replays: Replays;
}

/** What an address has after its question mark. */
export type Query = Readonly<Record<string, string>>;

/** One view: a frame that is there at once, and parts that the browser asks for, each as soon as it can be had. */
export interface View {
  /** Its address, below that of the page. */
  readonly path: string;
  /** The question that it answers. */
  readonly title: string;
  page(query: Query, about: About): Html;
  /** By the names that the page asks for them with. */
  readonly parts: Readonly<Record<string, (query: Query, about: About) => Promise<Html>>>;
}

export const views: readonly View[] = [whereIsIt, howIsItGoing, whatCameIn, inAzure];
