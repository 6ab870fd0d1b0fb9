import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openHome } from "../../local/home.ts";
import { homeState } from "../../page/home-state.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

const home = openHome(path.join(temporaryFolder(), "home"));
afterAll(() => {
  rmSync(path.dirname(home.directory), { recursive: true });
});

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
    () => {
      writeFileSync(path.join(home.directory, "lock"), "1");
    },
    () => {
      rmSync(schema, { recursive: true });
    },
  ];
  const states = changes.map((change) => {
    change();
    return homeState(home);
  });
  expect(new Set(states).size).toBe(changes.length);
  expect(homeState(home)).toBe(states.at(-1));
});
