import { sparkEnvironment } from "../../bin/spark-environment.mjs";

test("what is set for another Spark, Hadoop or Python is left out, and everything else is not", () => {
  const another = {
    SPARK_HOME: "/opt/spark",
    SPARK_CONF_DIR: "/opt/spark/conf",
    PYSPARK_PYTHON: "python3.12",
    PYSPARK_SUBMIT_ARGS: "--master yarn pyspark-shell",
    PYTHONPATH: "/opt/spark/python",
    PYTHONHOME: "/opt/python",
    PYTHONSAFEPATH: "1",
    HADOOP_CONF_DIR: "/etc/hadoop",
    YARN_CONF_DIR: "/etc/hadoop",
  };
  const own = { PATH: "/bin", JAVA_HOME: "/opt/java", ORDER_TRACKING_SPARK_IDLE_MINUTES: "0", LC_ALL: "de_DE.UTF-8" };
  expect(sparkEnvironment({ ...another, ...own }, "darwin")).toEqual(own);
});

test("Java is left what is set for every Java, but for a garbage collector, which would be a second one", () => {
  const given = {
    JAVA_TOOL_OPTIONS: "-XX:+UseG1GC",
    JDK_JAVA_OPTIONS: "-Dproxy=a -XX:-UseZGC -XX:+UseShenandoahGC -XX:-UseGCOverheadLimit",
    _JAVA_OPTIONS: "-XX:+UseStringDeduplication",
    GRADLE_OPTS: "-XX:+UseG1GC",
  };
  const { JAVA_TOOL_OPTIONS, JDK_JAVA_OPTIONS, ...others } = sparkEnvironment(given, "darwin");
  expect(JAVA_TOOL_OPTIONS).toBe("");
  expect(JDK_JAVA_OPTIONS?.split(/ +/)).toEqual(["-Dproxy=a", "-XX:-UseGCOverheadLimit"]);
  expect(others).toEqual({ _JAVA_OPTIONS: given._JAVA_OPTIONS, GRADLE_OPTS: given.GRADLE_OPTS });
});

test("names of files are UTF-8 on Linux, whatever the locale", () => {
  expect(sparkEnvironment({ LC_ALL: "C" }, "linux")).toEqual({ LC_ALL: "C.UTF-8" });
  expect(sparkEnvironment({ LANG: "de_DE@euro" }, "linux")).toEqual({ LANG: "de_DE@euro", LC_ALL: "C.UTF-8" });
});
