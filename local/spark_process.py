"""Spark's Java process, which several Python processes use: started by one, joined by the others.

What they share is one SparkContext. Each home has a session of its own in it, with a catalog of its own, so that homes
do not see one another's tables and can be used at the same time.
"""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pyspark
from py4j.java_gateway import JavaClass, JavaGateway, JavaObject  # type: ignore[import-untyped]
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark import SparkConf, SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession
from spark_session import JAVA_OPTIONS, LOOPBACK, QUICK_START, SETTINGS, WORKERS, register_tables

#: Java forgets an object that Python has given up; these are for the processes that come later.
_KEPT: list[JavaObject] = []

#: Where Java writes the port and the secret by which Python reaches it; PySpark's own way.
_CONNECTION = "connection"


def launch(directory: Path) -> "subprocess.Popen[bytes]":
    """Start Java, which takes seconds, and return at once; it ends with its standard input.

    Args:
        directory: A folder of this user's alone, for Java's temporary files and the secret by which it is reached.
    """
    home = Path(pyspark.__file__).resolve().parent
    options = f'{JAVA_OPTIONS} {QUICK_START} "-Djava.io.tmpdir={directory}"'
    settings = {**SETTINGS, "spark.local.dir": str(directory), "spark.driver.extraJavaOptions": options}
    return subprocess.Popen(
        [
            home / "bin" / "spark-submit",
            *(argument for name, value in settings.items() for argument in ("--conf", f"{name}={value}")),
            "pyspark-shell",
        ],
        stdin=subprocess.PIPE,
        stdout=2,
        env={
            **os.environ,
            **LOOPBACK,
            "SPARK_HOME": str(home),
            "SPARK_CONNECT_MODE": "0",
            "_PYSPARK_DRIVER_CONN_INFO_PATH": str(directory / _CONNECTION),
        },
    )


def is_launched(directory: Path) -> bool:
    """Tell whether Java can be reached."""
    return (directory / _CONNECTION).exists()


def join(directory: Path) -> SparkContext:
    """Wait until Java can be reached, and return its SparkContext, made where nobody has asked for it before."""
    gateway = _connect(directory)
    os.environ.update(WORKERS)
    scala_context = _java_class(gateway, "org.apache.spark.SparkContext").getOrCreate()
    java_context = _java_class(gateway, "org.apache.spark.api.java.JavaSparkContext")(scala_context)
    return SparkContext(gateway=gateway, jsc=java_context, conf=SparkConf(_jconf=java_context.sc().conf()))


def ask(directory: Path) -> None:
    """Wait for an answer from Java."""
    _java_class(_connect(directory), "java.lang.System").nanoTime()


def is_alive(context: SparkContext) -> bool:
    """Tell whether Spark goes on, once something has failed: Java may be gone, or about to go."""
    try:
        return not context._jsc.sc().isStopped()
    except (Py4JError, OSError):
        return False


def open_home(context: SparkContext, tables_directory: Path) -> JavaObject:
    """Make the session of a home, which knows the tables that are on the disk, and keep it for other processes."""
    # What Delta Lake remembers of these paths may be of tables that were there before.
    _java_class(context._gateway, "org.apache.spark.sql.delta.DeltaLog").clearCache()
    options = _java_class(context._gateway, "java.util.HashMap")()
    options["spark.sql.warehouse.dir"] = str(tables_directory)
    home = _java_class(context._gateway, "org.apache.spark.sql.classic.SparkSession")(context._jsc.sc(), options)
    _KEPT.append(home)
    register_tables(session_of(context, home), tables_directory)
    return home


def opened_home(context: SparkContext, name: str) -> JavaObject:
    """Find the session of a home that another process made and that has this name in Java."""
    assert context._gateway is not None
    home = JavaObject(name, context._gateway._gateway_client)
    _KEPT.append(home)
    return home


def session_of(context: SparkContext, home: JavaObject) -> SparkSession:
    """A session with the tables of a home, and with settings and temporary views of its own."""
    return SparkSession(context, home.newSession())


def progress_of(context: SparkContext, job_group: str) -> dict[str, int] | None:
    """Say how far the jobs of a group are: their tasks, and the rows that these have read; None where none works."""
    tracker, store = context.statusTracker(), context._jsc.sc().statusStore()
    jobs = set(tracker.getActiveJobsIds()) & set(tracker.getJobIdsForGroup(job_group))
    stages = {stage for job in map(tracker.getJobInfo, jobs) if job for stage in job.stageIds}
    begun = {stage: info for stage in stages if (info := tracker.getStageInfo(stage))}
    if not begun:
        return None
    return {
        "tasks": sum(stage.numTasks for stage in begun.values()),
        "tasks_done": sum(stage.numCompletedTasks for stage in begun.values()),
        "rows": sum(store.lastStageAttempt(stage).inputRecords() for stage in begun),
    }


def cancel(context: SparkContext, job_group: str, thread: int) -> None:
    """Cancel what a process that is gone has begun, and wait until its thread in Java has done with it."""
    context._jsc.sc().cancelJobGroupAndFutureJobs(job_group)
    threads = _java_class(context._gateway, "java.lang.management.ManagementFactory").getThreadMXBean()
    while threads.getThreadInfo(thread) is not None:
        time.sleep(0.02)


def current_thread(context: SparkContext) -> int:
    """The thread in Java that does what this thread of Python asks for."""
    return int(_java_class(context._gateway, "java.lang.Thread").currentThread().getId())


def _connect(directory: Path) -> JavaGateway:
    while not is_launched(directory):
        time.sleep(0.02)
    # The port, the length of the secret, and the secret.
    told = (directory / _CONNECTION).read_bytes()
    port, secret = int.from_bytes(told[:4], "big"), told[8:].decode()
    os.environ.update(PYSPARK_GATEWAY_PORT=str(port), PYSPARK_GATEWAY_SECRET=secret)
    return launch_gateway()  # type: ignore[no-untyped-call]


def _java_class(gateway: JavaGateway | None, name: str) -> Any:
    """A class of Java by its full name; the gateway itself would look for it in each package that PySpark imports."""
    assert gateway is not None
    return JavaClass(name, gateway._gateway_client)
