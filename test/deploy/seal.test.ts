import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  closePlans,
  differenceOfState,
  differencesFromSeal,
  KEY_VARIABLE,
  openPlan,
  planKey,
  readSeal,
  sealPlans,
} from "../../deploy/seal.ts";
import { MadeUpTerraform } from "../cli/made-up-terraform.ts";
import { temporaryFolder } from "../local/stack-on-disk.ts";

const STACK = "dev-catalog";
const KEY = "a key of many characters";
const state = { lineage: "a", serial: 3 };

let terraform: MadeUpTerraform;
let [directory, synthesized] = ["", ""];
const file = (name: string) => path.join(directory, "stacks", STACK, name);

beforeEach(() => {
  terraform = new MadeUpTerraform();
  directory = temporaryFolder();
  mkdirSync(file("assets/a"), { recursive: true });
  writeFileSync(file("cdk.tf.json"), "{}");
  writeFileSync(file("assets/a/rule.py"), "x = 1");
  synthesized = temporaryFolder();
  cpSync(directory, synthesized, { recursive: true });
  writeFileSync(file("plan"), "a secret in clear");
  writeFileSync(file(".terraform.lock.hcl"), "hashes of providers");
});
afterEach(() => {
  terraform.remove();
});

const seal = (key?: string) => sealPlans(directory, "dev", [{ stack: STACK, json: {}, state }], key);

it("finds nothing to say where all is as it was sealed", async () => {
  await seal();
  expect(await differencesFromSeal(directory, readSeal(directory, undefined), synthesized)).toEqual([]);
});

it.each<[string, () => void, string]>([
  [
    "the plan is another one",
    () => {
      writeFileSync(file("plan"), "another");
    },
    "its plan is not the one that was sealed",
  ],
  [
    "the plan is gone",
    () => {
      rmSync(file("plan"));
    },
    "its plan is missing",
  ],
  [
    "what was synthesized was changed",
    () => {
      writeFileSync(file("assets/a/rule.py"), "x = 2");
    },
    "was changed after it was sealed",
  ],
  [
    "a file was added to it",
    () => {
      writeFileSync(file("assets/b.py"), "");
    },
    "was changed after it was sealed",
  ],
  [
    "the checkout synthesizes something else",
    () => {
      writeFileSync(path.join(synthesized, "stacks", STACK, "cdk.tf.json"), "[]");
    },
    "this checkout synthesizes something else",
  ],
  [
    "providers are other ones",
    () => {
      writeFileSync(file(".terraform.lock.hcl"), "others");
    },
    "its lock file names other providers",
  ],
  [
    "Terraform is another one",
    () => {
      terraform.answer({ version: "1.5.7" });
    },
    "planned with Terraform 1.11.4, but this is 1.5.7",
  ],
])("says that %s", async (_what, happen, words) => {
  await seal();
  happen();
  const differences = await differencesFromSeal(directory, readSeal(directory, undefined), synthesized);
  expect(differences.join("\n")).toContain(words);
});

it("says that another commit is checked out", async () => {
  await seal();
  const other = { ...readSeal(directory, undefined), commit: "0123" };
  expect((await differencesFromSeal(directory, other, synthesized)).join()).toContain("planned at commit 0123, but");
});

it.each([
  [state, state, undefined],
  [undefined, undefined, undefined],
  [state, { ...state, serial: 4 }, "somebody deployed in between (state 3 was planned on, it is 4 now)"],
  [state, { ...state, lineage: "b" }, "its state is another one now (lineage b)"],
  [state, undefined, "its state is gone"],
  [undefined, state, "there is a state now, where there was none"],
])("compares states: %j, %j", (sealed, now, words) => {
  const difference = differenceOfState({ stack: STACK, plan: "", content: "", lockFile: "", state: sealed }, now);
  if (words === undefined) expect(difference).toBeUndefined();
  else expect(difference).toContain(words);
});

describe("with a key", () => {
  it("keeps no plan in clear, but while it is applied", async () => {
    const sealed = await seal(KEY);
    expect(() => readFileSync(file("plan"))).toThrow();
    expect(readFileSync(file("plan.encrypted")).toString("latin1")).not.toContain("secret");
    openPlan(directory, sealed, STACK, KEY);
    expect(readFileSync(file("plan"), "utf8")).toBe("a secret in clear");
    closePlans(directory, sealed);
    expect(() => readFileSync(file("plan"))).toThrow();
  });

  it("refuses another key, none, a seal that was changed, and one that nobody signed", async () => {
    const sealed = await seal(KEY);
    expect(() => readSeal(directory, "another key of many")).toThrow("signed with another key");
    expect(() => readSeal(directory, undefined)).toThrow(`set ${KEY_VARIABLE}`);
    expect(() => {
      openPlan(directory, sealed, STACK, "another key of many");
    }).toThrow("cannot be decrypted");
    const json = readFileSync(path.join(directory, "seal.json"), "utf8");
    writeFileSync(path.join(directory, "seal.json"), json.replace('"serial": 3', '"serial": 4'));
    expect(() => readSeal(directory, KEY)).toThrow("the seal was changed");
    openPlan(directory, sealed, STACK, KEY);
    await seal();
    expect(() => readSeal(directory, KEY)).toThrow("nobody signed these plans");
  });

  it("takes none that is short", () => {
    expect(() => planKey({ [KEY_VARIABLE]: "short" })).toThrow("give 16 characters or more");
    expect(planKey({ [KEY_VARIABLE]: "" })).toBeUndefined();
  });
});
