import { execFileSync } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";

// What runs before anything is installed is asked as it runs: by Node alone, without jest's transform.
const requirements = pathToFileURL(path.join(__dirname, "..", "..", "bin", "requirements.mjs")).href;

/** What one of the functions says; `run` replaces the running of programs. */
function finding(call: string, run = "() => undefined"): { ok: boolean; sentence: string } {
  const code = `import * as found from ${JSON.stringify(requirements)}; const run = ${run};
    console.log(JSON.stringify(found.${call}))`;
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" })) as {
    ok: boolean;
    sentence: string;
  };
}

describe("Node", () => {
  test.each(["20.12.0", "20.20.2", "22.0.0", "26.1.0"])("%s fits", (version) => {
    expect(finding(`findNode("${version}")`).ok).toBe(true);
  });
  test.each(["18.20.4", "20.11.1"])("fails for %s with how to get a newer one", (version) => {
    expect(finding(`findNode("${version}")`)).toMatchObject({
      ok: false,
      sentence: `Node ${version} is too old: install Node 20.12 or newer from https://nodejs.org`,
    });
  });
});

describe("Java", () => {
  const java = (version: string) => `() => 'openjdk version "${version}" 2025-04-15'`;
  test.each(["17.0.15", "21", "21.0.2"])("%s fits", (version) => {
    expect(finding('findJava(run, "")', java(version)).ok).toBe(true);
  });
  test.each([
    ["1.8.0_392", "too old"],
    ["11.0.2", "too old"],
    ["24.0.1", "too new for Spark 4.0"],
  ])("fails for %s, %s", (version, why) => {
    const { ok, sentence } = finding('findJava(run, "")', java(version));
    expect(ok).toBe(false);
    expect(sentence).toMatch(new RegExp(`^Java ${version} is ${why}: install Java 17 or 21`));
  });
  test("fails where there is none, and names a wrong JAVA_HOME", () => {
    expect(finding('findJava(run, "")').sentence).toMatch(/^Java was not found: install .* or put it on PATH$/);
    expect(finding('findJava(run, "/opt/no-java")').sentence).toMatch(
      /^\/opt\/no-java\/bin\/java cannot be run: install/,
    );
  });
  test.each([
    ["1.8.0_392", "too old"],
    ["24.0.1", "too new for Spark 4.0"],
  ])("fails for %s in JAVA_HOME, and does not send people to PATH", (version, why) => {
    expect(finding('findJava(run, "/opt/java")', java(version)).sentence).toBe(
      `Java ${version}, which is in /opt/java as JAVA_HOME says, is ${why}: install Java 17 or 21 (for example from ` +
        "https://adoptium.net) and set JAVA_HOME to it (while that is set, PATH does not count)",
    );
  });
});

describe("Python", () => {
  const pythons = (versions: Record<string, string>, venv = true) =>
    `(command, _c, code) => code.includes("venv") ? (${String(venv)} ? "" : undefined) : (${JSON.stringify(versions)})[command]`;
  test.each([
    ["python3.11", { python3: "3.9.2", "python3.11": "3.11.7" }],
    ["python3.13", { python3: "3.9.2", "python3.13": "3.13.9", "python3.14": "3.14.0" }],
    ["python3.14", { python3: "3.9.2", "python3.14": "3.14.0" }],
  ])("the first that is new enough is taken: %s", (command, versions) => {
    expect(finding("findPython(run)", pythons(versions))).toMatchObject({ ok: true, command });
  });
  test.each([
    ["none", {}, "Python was not found", "python3-venv"],
    ["only an old one", { python3: "3.9.2" }, "python3 is 3.9.2, which is too old", "python3-venv"],
    ["one without venv", { python3: "3.12.1" }, "python3 3.12.1 lacks venv", "python3.12-venv"],
    [
      "an old one, and one without venv",
      { python3: "3.9.2", "python3.12": "3.12.1" },
      "python3.12 3.12.1 lacks venv",
      "python3.12-venv",
    ],
  ])("fails for %s", (_what, versions, why, packages) => {
    const { ok, sentence } = finding("findPython(run)", pythons(versions, false));
    expect(ok).toBe(false);
    expect(sentence).toBe(
      `${why}: install Python 3.10 or newer with its venv module (Debian and Ubuntu: apt install ${packages})`,
    );
  });
});

describe("whoever runs it", () => {
  test("fits with a name, and fails without one, which it says how to get", () => {
    expect(finding('findUser(() => ({ username: "anna" }))')).toMatchObject({ ok: true, sentence: "User anna" });
    const nobody = "() => { throw new Error('uv_os_get_passwd returned ENOENT'); }";
    expect(finding(`findUser(${nobody}, 12345)`)).toMatchObject({
      ok: false,
      sentence:
        "user 12345 has no entry in /etc/passwd, without which Hadoop does not start: add one, or run as a user that has one",
    });
  });
});

test("where Spark does not run at all, nobody is told to install anything else", () => {
  const findings = finding('findRequirements(found.findOperatingSystem("win32"))');
  expect(findings).toEqual([expect.objectContaining({ ok: false, name: "Operating system" })]);
});

describe("Terraform", () => {
  const terraform = (version: string) => `() => "Terraform v${version}\\non linux_amd64"`;
  test.each(["1.5.0", "1.11.4", "2.0.0"])("%s fits", (version) => {
    expect(finding("findTerraform(run)", terraform(version))).toMatchObject({
      ok: true,
      sentence: `Terraform ${version}`,
    });
  });
  test.each(["0.15.5", "1.4.7"])("fails for %s, which is too old", (version) => {
    expect(finding("findTerraform(run)", terraform(version))).toMatchObject({
      ok: false,
      sentence: expect.stringMatching(`^Terraform ${version} is too old: install 1.5 or newer from https://`) as string,
    });
  });
  test("fails where there is none", () => {
    expect(finding("findTerraform(run)").sentence).toMatch(/^Terraform was not found: install/);
  });
});

describe("Azure CLI", () => {
  const az = (user: string, version = "2.72.0") =>
    `(_, command) => (command === "version" ? '{\\n  "azure-cli": "${version}",\\n  "azure-cli-core": "9.9.9"\\n}' : ${user})`;
  test.each(["2.72.0", "2.80.1", "3.0.0"])("%s fits, and says who is signed in", (version) => {
    expect(finding("findAzureCli(run)", az('"anna@example.com"', version))).toMatchObject({
      ok: true,
      sentence: `Azure CLI ${version}, signed in as anna@example.com`,
    });
  });
  test.each(["1.99.0", "2.71.0"])("fails for %s, which is too old", (version) => {
    expect(finding("findAzureCli(run)", az('"anna@example.com"', version))).toMatchObject({
      ok: false,
      sentence: `the Azure CLI (az) ${version} is too old: install 2.72 or newer from https://aka.ms/installazurecli`,
    });
  });
  test("fails where nobody is, and where there is no CLI", () => {
    expect(finding("findAzureCli(run)", az("undefined"))).toMatchObject({
      ok: false,
      sentence: "nobody is signed in to the Azure CLI, or not any more: run az login",
    });
    expect(finding("findAzureCli(run)").sentence).toMatch(/^the Azure CLI \(az\) was not found: install 2.72/);
  });
});
