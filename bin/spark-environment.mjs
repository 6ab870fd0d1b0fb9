/** What the processes of Python and Java here are started with. Runs without any npm package. */

/**
 * What people set for a Spark, a Hadoop or a Python of their own. Each of them leads PySpark or its Java elsewhere, but for
 * PYTHONSAFEPATH, with which a script does not find the modules beside it.
 */
const OF_ANOTHER = /^(PY)?SPARK_|^(HADOOP|YARN)_CONF_DIR$|^PYTHON(PATH|HOME|SAFEPATH)$/;

/** Where every Java finds options, beside those of its command. */
const OF_EVERY_JAVA = /^(JAVA_TOOL|JDK_JAVA|_JAVA)_OPTIONS$/;
/** Spark is started with a collector of its own, and a Java that is told of two does not start. */
const COLLECTOR = /(?<!\S)-XX:[+-]Use\w+GC(?!\S)/g;

/**
 * The environment without what it says of another Spark or of Java's garbage collector, and on Linux with names of files in
 * UTF-8: Java takes their encoding from the locale, Python does so only in part, and with LC_ALL=C, or a locale that is not
 * installed, they would see different names. Every Linux that Node 20 runs on has C.UTF-8. A Mac has names in UTF-8, whatever
 * the locale.
 *
 * @param {NodeJS.ProcessEnv} given
 * @returns {NodeJS.ProcessEnv}
 */
export function sparkEnvironment(given = process.env, platform = process.platform) {
  const kept = Object.entries(given)
    .filter(([name]) => !OF_ANOTHER.test(name))
    .map(([name, value]) => [name, OF_EVERY_JAVA.test(name) ? value?.replace(COLLECTOR, "") : value]);
  return { ...Object.fromEntries(kept), ...(platform === "linux" && { LC_ALL: "C.UTF-8" }) };
}
