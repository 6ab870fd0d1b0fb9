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

test("names of files are UTF-8 on Linux, whatever the locale", () => {
  expect(sparkEnvironment({ LC_ALL: "C" }, "linux")).toEqual({ LC_ALL: "C.UTF-8" });
  expect(sparkEnvironment({ LANG: "de_DE@euro" }, "linux")).toEqual({ LANG: "de_DE@euro", LC_ALL: "C.UTF-8" });
});
