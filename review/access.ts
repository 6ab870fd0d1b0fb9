/** Who may do what: rights that somebody gains or loses, and whoever may lock themselves out. */
import { type Block, type Change, records, strings, text } from "./plan.ts";
import { blockOf, type Finding, type Scene } from "./scene.ts";
import { code, listed } from "./text.ts";
import { typeInWords } from "./words.ts";

/** One right: a principal, what it is a right on, and its name. */
export interface Right {
  readonly principal: string;
  readonly object: string;
  readonly privilege: string;
}

/** Rights on one object that one principal gains or loses. */
export interface AccessFinding extends Finding {
  readonly gained: readonly Right[];
  readonly lost: readonly Right[];
}

/** What a right allows, where its name does not say it. */
const MEANINGS: Readonly<Record<string, string>> = {
  SELECT: "query its tables",
  MODIFY: "change its tables",
  USE_CATALOG: "reach what is in it",
  USE_SCHEMA: "reach what is in it",
  READ_VOLUME: "read its files",
  WRITE_VOLUME: "write files to it",
  CREATE_TABLE: "create tables",
  CAN_MANAGE_RUN: "start and watch runs",
  CAN_ATTACH_TO: "read its logs",
  CAN_RESTART: "start it",
  CAN_RUN: "run what is in it",
  CAN_READ: "read what is in it",
  CAN_USE: "use it",
  USER: "sign in to it",
  ADMIN: "do anything in it",
  OWNER: "do anything with it",
  IS_OWNER: "do anything with it",
  MANAGE: "do anything with it, and hand out rights",
  ALL_PRIVILEGES: "do anything with it",
  "runs as": "lend it all of its rights",
};

/** Whoever loses one of these may not be able to undo that. */
const NEEDED_TO_DEPLOY = [
  "OWNER",
  "MANAGE",
  "ALL_PRIVILEGES",
  "IS_OWNER",
  "CAN_MANAGE",
  "ADMIN",
  "Owner",
  "User Access Administrator",
  "Role Based Access Control Administrator",
];
/** Rights that nobody needs but who deploys. */
const WIDE = [...NEEDED_TO_DEPLOY, "Contributor"];
/** What has one owner always; who that was before loses it, which is flagged. */
const OWNERSHIP = ["OWNER", "IS_OWNER"];
/** Whoever has an account is in these groups. */
const EVERYBODY = ["account users", "users"];

/** Objects of Unity Catalog that can be granted on, by the field that names them. */
const GRANTED_ON = [
  "catalog",
  "schema",
  "volume",
  "external_location",
  "storage_credential",
  "table",
  "function",
  "model",
];
/** Fields that name what permissions are about by its id. */
const PERMITTED_BY_ID = [
  "job_id",
  "cluster_id",
  "cluster_policy_id",
  "sql_endpoint_id",
  "notebook_id",
  "directory_id",
  "instance_pool_id",
  "pipeline_id",
];
const PERMITTED_BY_PATH = ["directory_path", "notebook_path", "workspace_file_path"];

/** All rights that change, by principal and object; those that only pass to a successor of the same name do not. */
export function findAccess(scene: Scene): readonly AccessFinding[] {
  return scene.changes.flatMap((change) => {
    if (!["create", "update", "replace", "destroy"].includes(change.action)) return [];
    const [before, after] = [rightsIn(change, change.before, scene), rightsIn(change, change.after, scene)];
    if (before.length + after.length === 0) return [];
    tellFields(change, scene);
    const gained = after.filter((right) => !before.some((each) => isSame(each, right)));
    const lost = before.filter((right) => !after.some((each) => isSame(each, right)));
    const holders = [
      ...new Map(
        [...lost, ...gained].map((right) => [JSON.stringify([right.principal, right.object]), right]),
      ).values(),
    ];
    return holders.map((holder) => findingOf(change, holder, gained, lost, scene));
  });
}

const isSame = (one: Right, other: Right) =>
  one.principal === other.principal && one.object === other.object && one.privilege === other.privilege;

function findingOf(
  change: Change,
  { principal, object }: Right,
  allGained: readonly Right[],
  allLost: readonly Right[],
  scene: Scene,
): AccessFinding {
  const ofHolder = (rights: readonly Right[]) =>
    rights.filter((each) => each.principal === principal && each.object === object);
  const [gained, lost] = [ofHolder(allGained), ofHolder(allLost)];
  const inWords = (rights: readonly Right[]) =>
    listed(
      rights.map(
        ({ privilege }) => `${scene.show(privilege)}${MEANINGS[privilege] ? ` (${MEANINGS[privilege]})` : ""}`,
      ),
    );
  const parts = [lost.length > 0 && `loses ${inWords(lost)}`, gained.length > 0 && `gains ${inWords(gained)}`].filter(
    Boolean,
  );
  const lockOut = lost.filter(({ privilege }) => NEEDED_TO_DEPLOY.includes(privilege));
  const isWide =
    gained.some(({ privilege }) => WIDE.includes(privilege) && !OWNERSHIP.includes(privilege)) ||
    (gained.length > 0 && EVERYBODY.includes(principal));
  return {
    ...scene.about(change),
    gained,
    lost,
    headline: `${scene.show(principal)} ${parts.join(" and ")} on ${object}.`,
    details: [
      ...(lockOut.length > 0
        ? [`If that is who deploys, they lock themselves out: ${inWords(lockOut)} is needed to undo it.`]
        : []),
      ...(isWide
        ? [
            EVERYBODY.includes(principal)
              ? "That is everybody who has an account."
              : "Nobody needs that but who deploys.",
          ]
        : []),
    ],
    needsSecondLook: lockOut.length > 0 || isWide,
  };
}

/** The rights that one side of a change gives. */
function rightsIn(change: Change, side: Block, scene: Scene): readonly Right[] {
  if (Object.keys(side).length === 0) return [];
  const { type } = change;
  if (type === "databricks_grants") {
    const object = grantedObject(change, side, scene);
    return records(side.grant).flatMap(({ principal, privileges }) =>
      strings(privileges).map((privilege) => ({
        principal: text(principal),
        object,
        privilege: privilege.replaceAll(" ", "_"),
      })),
    );
  }
  if (type === "databricks_grant") {
    const object = grantedObject(change, side, scene);
    return strings(side.privileges).map((privilege) => ({ principal: text(side.principal), object, privilege }));
  }
  if (type === "databricks_permissions") {
    const object = permittedObject(change, side, scene);
    return records(side.access_control).map((entry) => ({
      principal: text(entry.group_name) || text(entry.service_principal_name) || text(entry.user_name),
      object,
      privilege: text(entry.permission_level),
    }));
  }
  if (type === "databricks_permission_assignment") {
    const principal =
      text(side.group_name) || text(side.service_principal_name) || text(side.user_name) || String(side.principal_id);
    return strings(side.permissions).map((privilege) => ({ principal, object: "the workspace", privilege }));
  }
  if (type === "azurerm_role_assignment") {
    const scope = text(side.scope);
    const id = text(side.principal_id);
    return [
      {
        principal: id ? nameOfPrincipal(id, scene) : principalToBe(change, scene),
        object: objectOfRole(change, scope, scene),
        privilege: text(side.role_definition_name) || text(side.role_definition_id),
      },
    ];
  }
  const runAs = blockOf(side, "run_as");
  const [owner, runner] = [text(side.owner), text(runAs.service_principal_name) || text(runAs.user_name)];
  // Of what is new or gone, owner and runner come and go with it.
  if (change.action !== "update") return [];
  const object = `the ${typeInWords(type)} ${scene.nameOf(change)}`;
  return [
    ...(owner ? [{ principal: owner, object, privilege: "OWNER" }] : []),
    ...(runner ? [{ principal: runner, object, privilege: "runs as" }] : []),
  ];
}

function tellFields(change: Change, scene: Scene): void {
  const isAboutRights = /grant|permission|role_assignment/.test(change.type);
  if (isAboutRights) scene.tell(change);
  else if (scene.differences(change).some(({ path }) => /^(owner|run_as)/.test(path))) {
    scene.tell(
      change,
      ...scene
        .differences(change)
        .map(({ path }) => path)
        .filter((path) => /^(owner|run_as)(\.|$)/.test(path)),
    );
  }
}

function grantedObject(change: Change, side: Block, scene: Scene): string {
  for (const kind of GRANTED_ON) {
    const thing = scene.thingOf(change, kind);
    const name = text(side[kind]) || (thing && fullName(thing));
    if (name) return `the ${kind.replaceAll("_", " ")} ${scene.show(name)}`;
  }
  return side.metastore === undefined ? `what ${code(change.address)} is about` : "the metastore";
}

/** As grants name it; the id of what is not there yet is not known. */
function fullName({ before, after }: Change): string {
  const side = Object.keys(after).length > 0 ? after : before;
  return [side.catalog_name, side.schema_name, side.name].filter((each) => typeof each === "string").join(".");
}

function permittedObject(change: Change, side: Block, scene: Scene): string {
  for (const field of PERMITTED_BY_ID) {
    const thing = scene.thingOf(change, field);
    if (thing) return `the ${typeInWords(thing.type)} ${scene.nameOf(thing)}`;
  }
  for (const field of [...PERMITTED_BY_PATH, ...PERMITTED_BY_ID]) {
    if (text(side[field]))
      return `the ${field.replace(/_(path|id)$/, "").replaceAll("_", " ")} ${scene.show(side[field])}`;
  }
  return `what ${code(change.address)} is about`;
}

/** Identities of Azure are known by their object's id, which nobody can read. */
function nameOfPrincipal(id: string, scene: Scene): string {
  const owner = scene.changes.find(
    ({ before, after }) =>
      [before, after].some((side) => side.principal_id === id || blockOf(side, "identity").principal_id === id) &&
      !text(before.role_definition_name) &&
      !text(after.role_definition_name),
  );
  return owner ? `${typeInWords(owner.type)} ${text(owner.before.name) || text(owner.after.name)}` : id;
}

function principalToBe(change: Change, scene: Scene): string {
  const thing = scene.thingOf(change, "principal_id");
  return thing
    ? `${typeInWords(thing.type)} ${text(thing.after.name) || text(thing.before.name)}`
    : "an identity that is known only after it is applied";
}

function objectOfRole(change: Change, scope: string, scene: Scene): string {
  const thing = scene.thingOf(change, "scope");
  if (thing) return `the ${typeInWords(thing.type)} ${scene.nameOf(thing)}`;
  return scope ? code(scope.split("/").slice(-2).join(" ")) : "what is known only after it is applied";
}
