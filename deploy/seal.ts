/**
 * The seal of a saved plan: what it was made of, so that exactly that is applied, or it is said what differs.
 *
 * Plans hold values in clear. Where a key is given they are kept encrypted, and the seal is signed with it.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  randomBytes,
  scryptSync,
  timingSafeEqual,
} from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { currentCommit } from "./git.ts";
import { folderOf, LOCK_FILE, PLAN_FILE, type PlannedStack } from "./plan-stacks.ts";
import { terraformOrFail } from "./terraform.ts";

/** Variable of the process with the key that plans are encrypted and seals are signed with. */
export const KEY_VARIABLE = "ORDER_TRACKING_PLAN_KEY";
const SHORTEST_KEY = 16;

const SEAL_FILE = "seal.json";
const ENCRYPTED_FILE = "plan.encrypted";
/** What the synthesis writes of a stack; everything else in its folder is Terraform's, or ours. */
const SYNTHESIZED = ["cdk.tf.json", "assets"];

const stackSealType = z.object({
  stack: z.string(),
  /** Hash of the saved plan. */
  plan: z.string(),
  /** Hash of everything that was synthesized. */
  content: z.string(),
  /** Providers that planned, with their versions and hashes, as Terraform's lock file has them. */
  lockFile: z.string(),
  state: z.object({ lineage: z.string(), serial: z.number() }).optional(),
});
const sealType = z.object({
  version: z.literal(1),
  environment: z.string(),
  /** The commit that was checked out; nothing outside of a repository. */
  commit: z.string().optional(),
  terraform: z.string(),
  isEncrypted: z.boolean(),
  stacks: z.array(stackSealType),
  signature: z.string().optional(),
});
export type Seal = z.output<typeof sealType>;
type StackSeal = Seal["stacks"][number];

/** The key that the process was given. */
export function planKey(variables: NodeJS.ProcessEnv): string | undefined {
  const { [KEY_VARIABLE]: key } = variables;
  if (key === undefined || key === "") return undefined;
  if (key.length < SHORTEST_KEY)
    throw new Error(`${KEY_VARIABLE} is too short: give ${SHORTEST_KEY} characters or more`);
  return key;
}

/** Seals the plans in a folder; with a key, encrypts them as well. Takes away what Terraform can get again. */
export async function sealPlans(
  directory: string,
  environment: string,
  planned: readonly PlannedStack[],
  key: string | undefined,
): Promise<Seal> {
  const stacks = planned.map(({ stack, state }): StackSeal => {
    const folder = folderOf(directory, stack);
    const file = path.join(folder, PLAN_FILE);
    const plan = readFileSync(file);
    if (key !== undefined) {
      writeFileSync(path.join(folder, ENCRYPTED_FILE), encrypt(plan, key));
      rmSync(file);
    }
    rmSync(path.join(folder, ".terraform"), { recursive: true, force: true });
    const lockFile = readFileSync(path.join(folder, LOCK_FILE), "utf8");
    return { stack, plan: hash(plan), content: contentOf(folder), lockFile, ...(state && { state }) };
  });
  const commit = await currentCommit();
  const unsigned = {
    version: 1,
    environment,
    ...(commit !== undefined && { commit }),
    terraform: await terraformVersion(directory),
    isEncrypted: key !== undefined,
    stacks,
  } as const;
  const seal: Seal = { ...unsigned, ...(key !== undefined && { signature: signatureOf(unsigned, key) }) };
  writeFileSync(path.join(directory, SEAL_FILE), `${JSON.stringify(seal, null, 2)}\n`);
  return seal;
}

/**
 * Reads the seal of a folder.
 *
 * @throws Error where there is none, it is not as it was written, or the key is missing or another one
 */
export function readSeal(directory: string, key: string | undefined): Seal {
  const file = path.join(directory, SEAL_FILE);
  if (!existsSync(file)) {
    throw new Error(`${directory} holds no sealed plan: make one with "plan ENVIRONMENT --out", with credentials`);
  }
  const { signature, ...unsigned } = sealType.parse(JSON.parse(readFileSync(file, "utf8")));
  if (unsigned.isEncrypted && key === undefined) throw new Error(`the plans are encrypted: set ${KEY_VARIABLE}`);
  if (key !== undefined && signature === undefined) {
    throw new Error(`nobody signed these plans: plan again with ${KEY_VARIABLE} set, or unset it if you trust them`);
  }
  if (key !== undefined && !isEqual(signature ?? "", signatureOf(unsigned, key))) {
    throw new Error(`the seal was changed, or signed with another key than that in ${KEY_VARIABLE}: plan again`);
  }
  return { ...unsigned, ...(signature !== undefined && { signature }) };
}

/** Puts the plan of a stack where Terraform finds it, until {@link closePlans}. */
export function openPlan(directory: string, seal: Seal, stack: string, key: string | undefined): void {
  if (!seal.isEncrypted || key === undefined) return;
  const folder = folderOf(directory, stack);
  writeFileSync(path.join(folder, PLAN_FILE), decrypt(readFileSync(path.join(folder, ENCRYPTED_FILE)), key), {
    mode: 0o600,
  });
}

/** Leaves no plan in clear where it is kept encrypted. */
export function closePlans(directory: string, seal: Seal): void {
  if (!seal.isEncrypted) return;
  for (const { stack } of seal.stacks) rmSync(path.join(folderOf(directory, stack), PLAN_FILE), { force: true });
}

/**
 * What differs from what was sealed, before anything is asked of the cloud; nothing, where it may be applied.
 *
 * @param synthesized where the environment was synthesized just now
 */
export async function differencesFromSeal(
  directory: string,
  seal: Seal,
  synthesized: string,
): Promise<readonly string[]> {
  const [commit, version] = [await currentCommit(), await terraformVersion(directory)];
  return [
    ...(seal.commit !== commit
      ? [
          `planned at commit ${seal.commit ?? "none"}, but ${commit ?? "none"} is checked out: check that one out, or plan again`,
        ]
      : []),
    ...(seal.terraform !== version
      ? [`planned with Terraform ${seal.terraform}, but this is ${version}: install that one, or plan again`]
      : []),
    ...seal.stacks.flatMap((sealed) => differencesOfStack(directory, sealed, synthesized)),
  ];
}

function differencesOfStack(
  directory: string,
  { stack, plan, content, lockFile }: StackSeal,
  synthesized: string,
): readonly string[] {
  const folder = folderOf(directory, stack);
  const file = path.join(folder, PLAN_FILE);
  if (!existsSync(file)) return [`${stack}: its plan is missing: plan again`];
  const now = folderOf(synthesized, stack);
  return [
    ...(hash(readFileSync(file)) !== plan ? [`${stack}: its plan is not the one that was sealed: plan again`] : []),
    ...(contentOf(folder) !== content
      ? [`${stack}: what was synthesized was changed after it was sealed: plan again`]
      : []),
    ...(!existsSync(now) || contentOf(now) !== content
      ? [`${stack}: this checkout synthesizes something else, as other files or variables do: plan again`]
      : []),
    ...(readLockFile(folder) !== lockFile
      ? [`${stack}: its lock file names other providers than those that planned: plan again`]
      : []),
  ];
}

/** What differs between a stack's state and the one that was planned on; nothing, where it is the same. */
export function differenceOfState({ stack, state: sealed }: StackSeal, now: StackSeal["state"]): string | undefined {
  if (sealed?.lineage === now?.lineage && sealed?.serial === now?.serial) return undefined;
  if (sealed === undefined) return `${stack}: there is a state now, where there was none: plan again`;
  if (now === undefined) return `${stack}: its state is gone: bring it back, or plan again`;
  if (sealed.lineage !== now.lineage)
    return `${stack}: its state is another one now (lineage ${now.lineage}): plan again`;
  return `${stack}: somebody deployed in between (state ${sealed.serial} was planned on, it is ${now.serial} now): plan again`;
}

function readLockFile(folder: string): string | undefined {
  const file = path.join(folder, LOCK_FILE);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** Hash of the paths and contents of all files that were synthesized for a stack. */
function contentOf(folder: string): string {
  const files = SYNTHESIZED.flatMap((entry) => filesIn(folder, entry)).sort();
  return hash(JSON.stringify(files.map((file) => [file, hash(readFileSync(path.join(folder, file)))])));
}

function filesIn(folder: string, entry: string): readonly string[] {
  const place = path.join(folder, entry);
  if (!existsSync(place)) return [];
  if (!statSync(place).isDirectory()) return [entry];
  return readdirSync(place).flatMap((inner) => filesIn(folder, `${entry}/${inner}`));
}

const hash = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");

async function terraformVersion(directory: string): Promise<string> {
  const said = await terraformOrFail(directory, ["version", "-json"]);
  return z.object({ terraform_version: z.string() }).parse(JSON.parse(said)).terraform_version;
}

// Numbers of AES-256-GCM: https://nodejs.org/api/crypto.html
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

function encrypt(content: Buffer, key: string): Buffer {
  const [salt, nonce] = [randomBytes(SALT_BYTES), randomBytes(NONCE_BYTES)];
  const cipher = createCipheriv(CIPHER, scryptSync(key, salt, KEY_BYTES), nonce);
  const body = Buffer.concat([cipher.update(content), cipher.final()]);
  return Buffer.concat([salt, nonce, cipher.getAuthTag(), body]);
}

function decrypt(sealed: Buffer, key: string): Buffer {
  let at = 0;
  const take = (bytes: number) => sealed.subarray(at, (at += bytes));
  const [salt, nonce, tag] = [take(SALT_BYTES), take(NONCE_BYTES), take(TAG_BYTES)];
  const decipher = createDecipheriv(CIPHER, scryptSync(key, salt, KEY_BYTES), nonce).setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(sealed.subarray(at)), decipher.final()]);
  } catch (error) {
    throw new Error(
      `a plan cannot be decrypted with the key in ${KEY_VARIABLE}: it was changed, or sealed with another`,
      { cause: error },
    );
  }
}

function signatureOf(unsigned: Omit<Seal, "signature">, key: string): string {
  return createHmac("sha256", key).update(JSON.stringify(unsigned)).digest("hex");
}

const isEqual = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
