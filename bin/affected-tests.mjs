/**
 * Which tests a change can reach, by what files import and name, in both languages. Runs without any npm package.
 *
 * A text in the code that is the name of a file, or of a folder that is read as a whole, counts as an import, since
 * commands are started, notebooks deployed and samples read by their names.
 */
import path from "node:path";

const { posix } = path;

/** What is read as a whole by the name of the folder. */
const READ_FOLDERS = ["samples", "queries", "notebooks", "order_tracking", "environments", "docs"];

export const isTest = (file) => /\.test\.ts$|(^|\/)test_\w+\.py$/.test(file);

/** Where Python looks for a module, beside the folder of the file that imports it. */
const PYTHON_FOLDERS = ["local", "notebooks", "bench"];

/**
 * @param {readonly string[]} files every file of the checkout, from its root, with slashes
 * @param {(file: string) => string} read the text of one of them
 * @param {readonly string[]} changed those that a change touches; one that is gone reaches what names it
 * @returns {readonly string[]} the tests that reach one of these, or are among them
 */
export function affectedTests(files, read, changed) {
  const lookUp = finder([...new Set([...files, ...changed])]);
  const usedBy = new Map();
  for (const file of files.filter((name) => /\.(ts|mjs|py)$/.test(name))) {
    for (const used of lookUp(file, read(file))) {
      if (!usedBy.has(used)) usedBy.set(used, []);
      usedBy.get(used).push(file);
    }
  }
  const reached = new Set(changed);
  for (const file of reached) for (const user of usedBy.get(file) ?? []) reached.add(user);
  return files.filter((file) => isTest(file) && reached.has(file)).sort();
}

/** A function that names the files that the text of a file leads to. */
function finder(files) {
  const byName = new Map();
  const byFolder = new Map();
  for (const file of files) {
    append(byName, posix.basename(file), file);
    const [top, ...inner] = posix.dirname(file).split("/");
    if (top === "test") continue;
    for (const folder of [top, ...inner]) if (READ_FOLDERS.includes(folder)) append(byFolder, folder, file);
  }
  const known = new Set(files);
  return (file, text) => (file.endsWith(".py") ? pythonUses : scriptUses)(file, text, known, byName, byFolder);
}

function append(map, key, value) {
  if (!map.has(key)) map.set(key, []);
  map.get(key).push(value);
}

function scriptUses(file, text, known, byName, byFolder) {
  const imported = [...text.matchAll(/(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g)].map(([, name]) =>
    posix.join(posix.dirname(file), name),
  );
  return [...imported.filter((name) => known.has(name)), ...named(file, text, byName, byFolder)];
}

function pythonUses(file, text, known, byName, byFolder) {
  // What is imported from a package may be one of its modules.
  const modules = [...text.matchAll(/^\s*(?:from|import)\s+([\w.]+)(?: import ([\w, ]+))?/gm)].flatMap(
    ([, name, parts = ""]) => [name, ...parts.split(/, */).map((part) => `${name}.${part}`)].map(asPath),
  );
  const folders = [posix.dirname(file), ...PYTHON_FOLDERS];
  const imported = modules.flatMap((name) => folders.map((folder) => posix.join(folder, `${name}.py`)));
  // What pytest gives to the tests of a folder.
  const fixtures = posix.join(posix.dirname(file), "conftest.py");
  return [...imported, fixtures]
    .filter((name) => known.has(name) && name !== file)
    .concat(named(file, text, byName, byFolder));
}

/** Where a module is, without its ending. */
const asPath = (module) => module.replaceAll(".", "/");

function ends(file, literal) {
  return (
    file === literal || (file !== posix.basename(file) && file.endsWith(`/${literal}`) && posix.extname(literal) !== "")
  );
}

/** The files whose names stand in the text between quotes, and those of folders that do. */
function named(file, text, byName, byFolder) {
  const texts = new Set([...text.matchAll(/["'`]([\w./-]+)["'`]/g)].map(([, literal]) => literal));
  return [...texts]
    .flatMap((literal) => [
      // "main.ts" is the one at the top, "cli/main.ts" the other one.
      ...(byName.get(posix.basename(literal)) ?? []).filter((name) => ends(name, literal)),
      ...(byFolder.get(literal) ?? []),
    ])
    .filter((name) => name !== file && !isTest(name));
}
