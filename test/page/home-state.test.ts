import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openHome } from "../../local/home.ts";
import { homeState } from "../../page/home-state.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

const home = openHome(path.join(temporaryFolder(), "home"));

it("changes with what is loaded, waits and runs, and with nothing else", () => {
  const schema = path.join(home.tables, "operations.db");
  const changes = [
    () => undefined,
    () => mkdirSync(path.join(schema, "t", "_delta_log"), { recursive: true }),
    () => {
      writeFileSync(path.join(schema, "t", "_delta_log", "0.json"), "");
    },
    () => {
      writeFileSync(path.join(schema, "v.view.sql"), "SELECT 1");
    },
    () => {
      mkdirSync(path.join(home.volume, "file_arrival"));
    },
    () => {
      writeFileSync(path.join(home.volume, "file_arrival", "a.csv"), "");
    },
    () => mkdirSync(path.join(home.volume, "file_arrival", "client", "day"), { recursive: true }),
    () => {
      writeFileSync(path.join(home.volume, "file_arrival", "client", "day", "a.csv"), "");
    },
    () => {
      writeFileSync(path.join(home.directory, "lock"), "1");
    },
    () => {
      rmSync(schema, { recursive: true });
    },
  ];
  const states = changes.map((change) => {
    change();
    return homeState(home, new Date("2026-11-20T00:00:00Z"));
  });
  expect(new Set(states).size).toBe(changes.length);
  expect(homeState(home, new Date("2026-11-20T23:59:59Z"))).toBe(states.at(-1));
});

it("changes with the day, in UTC", () => {
  const at = (time: string) => homeState(home, new Date(time));
  expect(at("2026-11-21T00:00:00Z")).not.toBe(at("2026-11-20T23:59:59Z"));
});
