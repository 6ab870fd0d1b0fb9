/** A made-up `az` that keeps its Azure in a file: what was called, and what there is because of it. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { temporaryFolder } from "../local/stack-on-disk.ts";

/** What there is, by the names that `az` prints. */
export interface Azure {
  groups: string[];
  account?: Record<string, unknown>;
  blobs: Record<string, unknown>;
  containers: string[];
  roles: string[];
  locks: { level: string }[];
  /** Storage accounts of other people. */
  taken: string[];
  /** What a command says instead of doing anything. */
  failures: Record<string, string>;
}

const NOTHING: Azure = { groups: [], blobs: {}, containers: [], roles: [], locks: [], taken: [], failures: {} };

// Plain JavaScript, as it runs without tsx. Understands what is asked of it here, and fails on everything else.
const PROGRAM = `#!${process.execPath}
const { appendFileSync, readFileSync, writeFileSync } = require("node:fs");
const directory = __dirname;
const azure = JSON.parse(readFileSync(directory + "/azure.json", "utf8"));
const args = process.argv.slice(2);
const end = args.findIndex((each) => each.startsWith("--"));
const command = args.slice(0, end).join(" ");
const option = (name) => args[args.indexOf("--" + name) + 1];
appendFileSync(directory + "/calls.txt", command + "\\n");
const say = (code, text) => { process.stderr.write("ERROR: " + text + "\\n"); process.exit(code); };
const retention = (name) => ({ enabled: option(name) === "true" });
const settings = () => ({
  allowSharedKeyAccess: option("allow-shared-key-access") === "true",
  allowBlobPublicAccess: option("allow-blob-public-access") === "true",
  enableHttpsTrafficOnly: option("https-only") === "true",
  minimumTlsVersion: option("min-tls-version"),
});
const commands = {
  "account show": () => ({ id: option("subscription") }),
  "ad signed-in-user show": () => ({ id: "a-person" }),
  "group exists": () => azure.groups.includes(option("name")),
  "group create": () => void azure.groups.push(option("name")),
  "storage account check-name": () => ({ nameAvailable: !azure.taken.includes(option("name")) }),
  "storage account show": () => azure.account ?? say(3, "(ResourceNotFound) The Resource was not found."),
  "storage account create": () => void (azure.account = settings()),
  "storage account update": () => void (azure.account = settings()),
  "storage account blob-service-properties show": () => azure.blobs,
  "storage account blob-service-properties update": () => void (azure.blobs = {
    isVersioningEnabled: option("enable-versioning") === "true",
    deleteRetentionPolicy: retention("enable-delete-retention"),
    containerDeleteRetentionPolicy: retention("enable-container-delete-retention"),
  }),
  "storage container-rm exists": () => ({ exists: azure.containers.includes(option("name")) }),
  "storage container-rm create": () => void azure.containers.push(option("name")),
  "role assignment list": () => azure.roles.filter((each) => each === option("assignee") + " " + option("scope")),
  "role assignment create": () => void azure.roles.push(option("assignee-object-id") + " " + option("scope")),
  "lock list": () => azure.locks,
  "lock create": () => void azure.locks.push({ level: option("lock-type") }),
};
const failure = azure.failures[command];
if (failure) say(failure.includes("NotFound") ? 3 : 1, failure);
if (!commands[command]) say(2, command + " is not known");
const result = commands[command]();
writeFileSync(directory + "/azure.json", JSON.stringify(azure));
if (result !== undefined) console.log(JSON.stringify(result));
`;

/** Puts the program into a folder of its own; a PATH that starts with it finds no other `az`. */
export function madeUpAz(there: Partial<Azure> = {}) {
  const folder = path.join(temporaryFolder(), "bin");
  const [file, calls] = [path.join(folder, "azure.json"), path.join(folder, "calls.txt")];
  mkdirSync(folder);
  writeFileSync(path.join(folder, "az"), PROGRAM);
  chmodSync(path.join(folder, "az"), 0o755);
  writeFileSync(file, JSON.stringify({ ...NOTHING, ...there }));
  return {
    folder,
    azure: () => JSON.parse(readFileSync(file, "utf8")) as Azure,
    /** The commands that were called so far. */
    calls: () => (existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : []),
  };
}
