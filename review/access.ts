/** Who may do what: rights that somebody gains or loses, and whoever may lock themselves out. */
import { fieldOf, hasLater, isNothing, isUnseen, LATER } from "./differences.ts";
import { type Action, type Block, type Change, record, records, strings, text } from "./plan.ts";
import { staying } from "./previous.ts";
import { blockOf, type Finding, type Scene } from "./scene.ts";
import { isMasked } from "./secrets.ts";
import { listed } from "./text.ts";
import { typeInWords } from "./words.ts";

/** One right: a principal, what it is a right on, and its name. */
export interface Right {
  readonly principal: string;
  readonly object: string;
  /** The address of what it is a right on, where the plans have that: several things have the same name. */
  readonly on?: string;
  readonly privilege: string;
}

/** Rights on one object that one principal gains or loses, or all of a change that its plan does not show. */
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
/** Databricks takes the name of a principal in any case. */
const inOneCase = (principal: string) => principal.toLowerCase();
const isEverybody = (principal: string) => EVERYBODY.includes(inOneCase(principal));

/** Objects of Unity Catalog that can be granted on, by the field that names them. */
export const GRANTED_ON = [
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
export const PERMITTED_BY_ID = [
  "job_id",
  "cluster_id",
  "cluster_policy_id",
  "sql_endpoint_id",
  "notebook_id",
  "directory_id",
  "instance_pool_id",
  "pipeline_id",
];
/** Fields that name it by its path. */
export const PERMITTED_BY_PATH = ["directory_path", "notebook_path", "workspace_file_path"];

/** Fields that say who may do what, of the types that are about nothing else. */
const RIGHTS: Readonly<Record<string, readonly string[]>> = {
  databricks_grants: ["grant"],
  databricks_grant: ["principal", "privileges"],
  databricks_permissions: ["access_control"],
  databricks_permission_assignment: ["permissions"],
  azurerm_role_assignment: ["condition"],
};
/** Whose a thing is, and as whom it runs. */
const OWN_RIGHTS: readonly string[] = ["owner", "run_as"];

/** What is there afterwards as it was before, or anew. */
const STAYING: readonly Action[] = ["update", "replace"];

/** All rights that change, by principal and object; those that only pass to a successor of the same name do not. */
export function findAccess(scene: Scene): readonly AccessFinding[] {
  return scene.changes.flatMap((change) => {
    if (!["create", "update", "replace", "destroy"].includes(change.action)) return [];
    const changed = [...changedRights(change, scene), ...otherCondition(change, scene)];
    const unseen = unseenRights(change, scene);
    const found = unseen ? withBelow(unseen, changed) : changed;
    if (found.length > 0) tellFields(change, scene);
    return found;
  });
}

function changedRights(change: Change, scene: Scene): readonly AccessFinding[] {
  const [before, after] = [rightsIn(change, change.before, scene), rightsIn(change, change.after, scene)];
  const gained = after.filter((right) => !before.some((each) => isSame(each, right)));
  // What is known only later may be just what was there before.
  const lost = isKnownLater(change) ? [] : before.filter((right) => !after.some((each) => isSame(each, right)));
  const holders = [
    ...new Map(
      [...lost, ...gained].map((right) => [
        JSON.stringify([inOneCase(right.principal), right.on ?? right.object]),
        right,
      ]),
    ).values(),
  ];
  return holders.map((holder) => findingOf(change, holder, gained, lost, scene));
}

/** The fields of a change that say who may do what. */
function fieldsOf({ type, action }: Change): readonly string[] {
  // Of what is new or gone, owner and runner come and go with it.
  return RIGHTS[type] ?? (STAYING.includes(action) ? OWN_RIGHTS : []);
}

/** Whether all that a field says of rights is known only later; a condition says of none. */
function isKnownLater(change: Change): boolean {
  const unknown = record(change.unknown);
  return fieldsOf(change).some(
    (field) =>
      field !== "condition" && (unknown[field] === true || (OWN_RIGHTS.includes(field) && hasLater(unknown[field]))),
  );
}

/** Puts what is told of rights that are not seen below the finding that says so. */
function withBelow(unseen: AccessFinding, changed: readonly AccessFinding[]): readonly AccessFinding[] {
  const isSeen = ({ gained, lost }: AccessFinding) => ![...gained, ...lost].some(isUnseenRight);
  const below = changed.filter((each) => !isSeen(each));
  return [
    {
      ...unseen,
      gained: below.flatMap(({ gained }) => gained),
      lost: below.flatMap(({ lost }) => lost),
      details: [...unseen.details, ...below.flatMap(({ headline, details }) => [headline, ...details])],
    },
    ...changed.filter(isSeen),
  ];
}

const isUnseenRight = ({ principal, object, privilege }: Right) =>
  [principal, privilege].includes(LATER) || isMasked([principal, object, privilege]);

/** Any condition but the first may let through what the one before did not. */
function otherCondition(change: Change, scene: Scene): readonly AccessFinding[] {
  if (change.type !== "azurerm_role_assignment" || !STAYING.includes(change.action)) return [];
  const difference = scene.differences(change).find(({ path }) => path === "condition");
  const [right] = rightsIn(change, change.after, scene);
  if (right === undefined || difference === undefined || isUnseen(difference)) return [];
  const [had, has] = [!isNothing(difference.before), !isNothing(difference.after)];
  const how = has ? (had ? "under another condition" : "under a condition") : "without a condition";
  return [
    {
      ...scene.about(change),
      gained: [],
      lost: [],
      headline: `${scene.show(right.principal)} has ${scene.show(right.privilege)} on ${right.object} ${how} from now on.`,
      details: [scene.showDifference(difference)],
      needsSecondLook: had,
    },
  ];
}

/** What is sensitive, or known only later, may be a right for anybody. */
function unseenRights(change: Change, scene: Scene): AccessFinding | undefined {
  const fields = fieldsOf(change);
  const unseen = scene
    .differences(change)
    .filter((each) => fields.includes(fieldOf(each)))
    .filter((each) => isUnseen(each) || hasLater(record(change.unknown)[fieldOf(each)]));
  const [first] = unseen;
  if (first === undefined) return undefined;
  return {
    ...scene.about(change),
    gained: [],
    lost: [],
    headline: `The plan does not show ${whatIsUnseen(change, fieldOf(first), scene)}.`,
    details: unseen.map((each) => scene.showDifference(each)),
    needsSecondLook: true,
  };
}

function whatIsUnseen(change: Change, field: string, scene: Scene): string {
  const type = typeInWords(change.type);
  const what = `the ${type} ${scene.nameOf(change)}`;
  if (field === "owner") return `whose ${what} is from now on`;
  if (field === "run_as") return `as whom ${what} runs from now on`;
  return `whom ${what} ${type.endsWith("s") ? "give" : "gives"} what`;
}

const isSame = (one: Right, other: Right) => isOfTheSame(one, other) && one.privilege === other.privilege;

const isOfTheSame = (one: Right, other: Right) =>
  inOneCase(one.principal) === inOneCase(other.principal) && isOnTheSame(one, other);

function isOnTheSame(one: Right, other: Right): boolean {
  if (one.on !== undefined && other.on !== undefined) return one.on === other.on;
  return one.object === other.object;
}

function findingOf(
  change: Change,
  holder: Right,
  allGained: readonly Right[],
  allLost: readonly Right[],
  scene: Scene,
): AccessFinding {
  const { principal, object } = holder;
  const ofHolder = (rights: readonly Right[]) => rights.filter((each) => isOfTheSame(each, holder));
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
  // Nothing is left to undo on what goes itself.
  const lockOut = isOfWhatGoes(change, scene)
    ? []
    : lost.filter(({ privilege }) => NEEDED_TO_DEPLOY.includes(privilege));
  const isWide =
    gained.some(({ privilege }) => WIDE.includes(privilege) && !OWNERSHIP.includes(privilege)) ||
    (gained.length > 0 && isEverybody(principal));
  const roleIds = gained.flatMap(({ privilege }) => ROLE_ID.exec(privilege) ?? []);
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
        ? [isEverybody(principal) ? "That is everybody who has an account." : "Nobody needs that but who deploys."]
        : []),
      ...roleIds.map(
        (id) =>
          `The plan names the role only by its id. What it allows is told by ${scene.show(`az role definition list --name ${id}`)}`,
      ),
    ],
    needsSecondLook:
      lockOut.length > 0 ||
      isWide ||
      roleIds.length > 0 ||
      gained.some((right) => right.privilege === LATER || isMasked(Object.values(right))),
  };
}

/** The end of what Azure calls a role definition by; a role's name says what it allows, this does not. */
const ROLE_ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether what rights are on is deleted, and nothing takes its place. */
const isOfWhatGoes = (change: Change, scene: Scene): boolean =>
  [...GRANTED_ON, ...PERMITTED_BY_ID, ...PERMITTED_BY_PATH, "scope"].some((field) => {
    const thing = scene.thingOf(change, change.before, field);
    return thing?.action === "destroy" && staying(thing, scene).action === "destroy";
  });

/** The rights that one side of a change gives. */
function rightsIn(change: Change, side: Block, scene: Scene): readonly Right[] {
  if (Object.keys(side).length === 0) return [];
  const { type } = change;
  if (type === "databricks_grants") {
    const object = grantedObject(change, side, scene);
    return records(side.grant).flatMap(({ principal, privileges }) =>
      privilegesIn(privileges).map((privilege) => ({ principal: text(principal) || LATER, object, privilege })),
    );
  }
  if (type === "databricks_grant") {
    const object = grantedObject(change, side, scene);
    return privilegesIn(side.privileges).map((privilege) => ({
      principal: text(side.principal) || LATER,
      object,
      privilege,
    }));
  }
  if (type === "databricks_permissions") {
    const object = permittedObject(change, side, scene);
    return records(side.access_control).map((entry) => ({
      principal: text(entry.group_name) || text(entry.service_principal_name) || text(entry.user_name) || LATER,
      ...object,
      privilege: text(entry.permission_level) || LATER,
    }));
  }
  if (type === "databricks_permission_assignment") {
    const principal =
      text(side.group_name) ||
      text(side.service_principal_name) ||
      text(side.user_name) ||
      (typeof side.principal_id === "number" ? String(side.principal_id) : LATER);
    return privilegesIn(side.permissions).map((privilege) => ({ principal, object: "the workspace", privilege }));
  }
  if (type === "azurerm_role_assignment") {
    const id = text(side.principal_id);
    return [
      {
        principal: id ? nameOfPrincipal(id, scene) : principalToBe(change, side, scene),
        ...objectOfRole(change, side, scene),
        privilege: text(side.role_definition_name) || text(side.role_definition_id) || LATER,
      },
    ];
  }
  const runAs = blockOf(side, "run_as");
  const [owner, runner] = [text(side.owner), text(runAs.service_principal_name) || text(runAs.user_name)];
  if (!STAYING.includes(change.action)) return [];
  const object = `the ${typeInWords(type)} ${scene.nameOf(change)}`;
  return [
    ...(owner ? [{ principal: owner, object, privilege: "OWNER" }] : []),
    ...(runner ? [{ principal: runner, object, privilege: "runs as" }] : []),
  ];
}

/** The names in a list of rights, as Databricks has them; where these are not seen, what is there in their place. */
function privilegesIn(listed: unknown): readonly string[] {
  if (listed === undefined) return [LATER];
  if (isMasked(listed)) return [listed].flat().map(text);
  return strings(listed).map((privilege) => privilege.replaceAll(" ", "_"));
}

function tellFields(change: Change, scene: Scene): void {
  const differences = scene.differences(change);
  const told = RIGHTS[change.type] ? differences : differences.filter((each) => OWN_RIGHTS.includes(fieldOf(each)));
  scene.tell(
    change,
    told.map(({ path }) => path),
  );
}

function grantedObject(change: Change, side: Block, scene: Scene): string {
  for (const kind of GRANTED_ON) {
    const thing = scene.thingOf(change, side, kind);
    const name = text(side[kind]) || (thing && fullName(thing));
    if (name) return `the ${kind.replaceAll("_", " ")} ${scene.show(name)}`;
  }
  return text(side.metastore) ? "the metastore" : `what ${scene.show(change.address)} is about`;
}

/** As grants name it; the id of what is not there yet is not known. */
function fullName({ before, after }: Change): string {
  const side = Object.keys(after).length > 0 ? after : before;
  return [side.catalog_name, side.schema_name, side.name].filter((each) => typeof each === "string").join(".");
}

type RightOn = Pick<Right, "object" | "on">;

const rightOn = (thing: Change, scene: Scene): RightOn => ({
  object: `the ${typeInWords(thing.type)} ${scene.nameOf(thing)}`,
  on: staying(thing, scene).address,
});

function permittedObject(change: Change, side: Block, scene: Scene): RightOn {
  for (const field of PERMITTED_BY_ID) {
    const thing = scene.thingOf(change, side, field);
    if (thing) return rightOn(thing, scene);
  }
  for (const field of [...PERMITTED_BY_PATH, ...PERMITTED_BY_ID]) {
    if (text(side[field]))
      return { object: `the ${field.replace(/_(path|id)$/, "").replaceAll("_", " ")} ${scene.show(side[field])}` };
  }
  return { object: `what ${scene.show(change.address)} is about` };
}

/** Identities of Azure are known by their object's id, which nobody can read. */
function nameOfPrincipal(id: string, scene: Scene): string {
  const owner = scene.changes.find(
    ({ type, before, after }) =>
      // That one has the identity's id as well, but it is not the identity.
      type !== "azurerm_role_assignment" &&
      [before, after].some((side) => side.principal_id === id || blockOf(side, "identity").principal_id === id),
  );
  return owner ? `${typeInWords(owner.type)} ${text(owner.before.name) || text(owner.after.name)}` : id;
}

function principalToBe(change: Change, side: Block, scene: Scene): string {
  const thing = scene.thingOf(change, side, "principal_id");
  return thing
    ? `${typeInWords(thing.type)} ${text(thing.after.name) || text(thing.before.name)}`
    : "an identity that is known only after it is applied";
}

function objectOfRole(change: Change, side: Block, scene: Scene): RightOn {
  const thing = scene.thingOf(change, side, "scope");
  if (thing) return rightOn(thing, scene);
  return { object: text(side.scope) ? scene.show(side.scope) : "what is known only after it is applied" };
}
