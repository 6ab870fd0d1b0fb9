/** What a machine must have: Node, Python and Java before anything can be set up, Terraform and the Azure CLI to deploy. Runs without any npm package. */
import { spawnSync } from "node:child_process";
import os from "node:os";
import path from "node:path";
import { sparkEnvironment } from "./spark-environment.mjs";

/**
 * @typedef {object} Finding
 * @property {string} name what was looked for
 * @property {boolean} ok whether it is there and fits
 * @property {string} sentence what was found; where it does not fit, what is wrong and how to get it
 * @property {string} [command] the program to run
 */

/** Runs a program and returns what it printed, or undefined where it cannot be run. */
function output(command, ...args) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: sparkEnvironment(),
    timeout: 30_000,
  });
  return status === 0 ? `${stdout}${stderr}`.trim() : undefined;
}

/** @returns {Finding} */
export function findNode(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 12);
  return {
    name: "Node",
    ok,
    sentence: ok
      ? `Node ${version}`
      : `Node ${version} is too old: install Node 20.12 or newer from https://nodejs.org`,
  };
}

/**
 * The first Python on the path that is new enough and can make virtual environments.
 *
 * @returns {Finding}
 */
export function findPython(run = output) {
  const remedy = (version) =>
    `install Python 3.10 or newer with its venv module (Debian and Ubuntu: apt install python${version}-venv)`;
  // Of several that do not fit, one without venv is told of: it lacks the least.
  const [withoutVenv, old] = [[], []];
  // Of those with a version in their name the latest that PySpark 4.0 is made for first; it says nothing of 3.14.
  for (const command of ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python3.14", "python"]) {
    const version = run(command, "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))");
    const [major = 0, minor = 0] = version?.split(".").map(Number) ?? [];
    if (version === undefined) continue;
    if (major !== 3 || minor < 10) old.push(`${command} is ${version}, which is too old: ${remedy("3")}`);
    else if (run(command, "-c", "import venv, ensurepip") === undefined)
      withoutVenv.push(`${command} ${version} lacks venv: ${remedy(`3.${minor}`)}`);
    else return { name: "Python", ok: true, sentence: `Python ${version} (${command})`, command };
  }
  const [sentence = `Python was not found: ${remedy("3")}`] = [...withoutVenv, ...old];
  return { name: "Python", ok: false, sentence };
}

/**
 * Spark 4.0 runs on Java 17 and 21; from Java 23 on, Hadoop's use of Subject.getSubject fails (JEP 486).
 *
 * @returns {Finding}
 */
export function findJava(run = output, javaHome = process.env.JAVA_HOME) {
  const command = javaHome ? path.join(javaHome, "bin", "java") : "java";
  const where = javaHome ? "(while that is set, PATH does not count)" : "or put it on PATH";
  const missing = (what) => {
    const sentence = `${what}: install Java 17 or 21 (for example from https://adoptium.net) and set JAVA_HOME to it ${where}`;
    return { name: "Java", ok: false, sentence };
  };
  const text = run(command, "-version");
  if (text === undefined) return missing(javaHome ? `${command} cannot be run` : "Java was not found");
  const version = /version "([^"]+)"/.exec(text)?.[1] ?? "of an unknown version";
  const major = Number(/^(?:1\.)?(\d+)/.exec(version)?.[1] ?? 0);
  const found = `Java ${version}${javaHome ? `, which is in ${javaHome} as JAVA_HOME says,` : ""}`;
  if (major < 17) return missing(`${found} is too old`);
  if (major > 22) return missing(`${found} is too new for Spark 4.0`);
  return { name: "Java", ok: true, sentence: `Java ${version}`, command };
}

/**
 * Whether Spark runs on this kind of machine.
 *
 * @returns {Finding}
 */
export function findOperatingSystem(platform = process.platform) {
  const ok = platform !== "win32";
  const sentence = ok
    ? `Operating system ${platform}`
    : "Spark needs extra native libraries on Windows: run this project in WSL 2 instead";
  return { name: "Operating system", ok, sentence };
}

/**
 * Whether whoever runs this has a name, which Hadoop wants to know: a container may run as a number that is nobody's.
 *
 * @returns {Finding}
 */
export function findUser(userInfo = os.userInfo, id = process.getuid?.()) {
  try {
    return { name: "User", ok: true, sentence: `User ${userInfo().username}` };
  } catch {
    const remedy = "add one, or run as a user that has one";
    const sentence = `user ${id} has no entry in /etc/passwd, without which Hadoop does not start: ${remedy}`;
    return { name: "User", ok: false, sentence };
  }
}

/** Everything at once, in the order in which people would install it; where Spark does not run at all, nothing but that. */
export function findRequirements(system = findOperatingSystem()) {
  if (!system.ok) return [system];
  const user = findUser();
  return [findNode(), findPython(), findJava(), ...(user.ok ? [] : [user])];
}

/**
 * The resources need Terraform 1.5: it checks conditions of what is not created yet.
 *
 * @returns {Finding}
 */
export function findTerraform(run = output) {
  const remedy = "install 1.5 or newer from https://developer.hashicorp.com/terraform/install";
  const version = /Terraform v(\d+\.\d+\.\d+)/.exec(run("terraform", "version") ?? "")?.[1];
  if (version === undefined) return { name: "Terraform", ok: false, sentence: `Terraform was not found: ${remedy}` };
  const [major, minor] = version.split(".").map(Number);
  const ok = major > 1 || (major === 1 && minor >= 5);
  return { name: "Terraform", ok, sentence: `Terraform ${version}${ok ? "" : ` is too old: ${remedy}`}` };
}

/**
 * The Azure CLI, and whoever is signed in to it. An older one does not know `role assignment list --fill-principal-name`,
 * without which that asks Microsoft Graph for names that a service may not see.
 *
 * @returns {Finding}
 */
export function findAzureCli(run = output) {
  const missing = (sentence) => ({ name: "Azure CLI", ok: false, sentence });
  const remedy = "install 2.72 or newer from https://aka.ms/installazurecli";
  const version = /"azure-cli": "(\d+\.\d+\.\d+)/.exec(run("az", "version", "--output", "json") ?? "")?.[1];
  if (version === undefined) return missing(`the Azure CLI (az) was not found: ${remedy}`);
  const [major, minor] = version.split(".").map(Number);
  if (major < 2 || (major === 2 && minor < 72)) return missing(`the Azure CLI (az) ${version} is too old: ${remedy}`);
  const user = run("az", "account", "show", "--query", "user.name", "--output", "tsv");
  if (user === undefined) return missing("nobody is signed in to the Azure CLI, or not any more: run az login");
  return { name: "Azure CLI", ok: true, sentence: `Azure CLI ${version}, signed in as ${user}` };
}

/** What is needed beside that to deploy, and for nothing else. */
export function findDeploymentTools() {
  return [findTerraform(), findAzureCli()];
}
