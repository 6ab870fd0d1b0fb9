"""Serves one client of the warm Spark: runs notebooks and SQL on the tables of a home, asked for in JSON lines.

One request a line, one answer a line:

    {"id": 1, "run_notebook": {"path": "...", "parameters": {"schema": "..."}, "log": "..."}}
    {"id": 2, "sql": {"query": "SELECT ... WHERE n = :number", "parameters": {"number": "..."}, "schema": "..."}}
    -> {"id": 1, "result": {...}} or {"id": 1, "error": {"message": "...", "traceback": "..."}}

It is a process of its own, a fork of `spark_server.py`, and ends with the connection, whatever it is doing then.
"""

import gc
import json
import os
import queue
import socket
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spark_process
from notebook import run_notebook
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from spark_session import save_views, tables_on_disk

#: For the end of a process that is at work on nothing.
_TIME_TO_END_SECONDS = 0.2

Report = Callable[[dict[str, Any]], None]


def serve(
    connection: socket.socket,
    spark_directory: Path,
    tables_directory: Path,
    opened: str | None,
    report: Report,
) -> None:
    """Answer a client until its connection ends.

    Args:
        connection: The connection to the client.
        spark_directory: Where Java was launched.
        tables_directory: The home's tables.
        opened: The home's session in Java; none where the home has to be opened first.
        report: Tells the server what it needs to know once this process is gone.
    """
    requests = _requests(connection)
    context = spark_process.join(spark_directory)
    group = f"client-{os.getpid()}"
    context.setJobGroup(group, group, interruptOnCancel=True)
    report({"job_group": group, "thread": spark_process.current_thread(context)})
    if opened is None:
        home = spark_process.open_home(context, tables_directory)
        report({"opened": home._target_id, "tables": tables_on_disk(tables_directory)})
    else:
        home = spark_process.opened_home(context, opened)
    spark = spark_process.session_of(context, home)

    def reply(message: dict[str, Any]) -> None:
        connection.sendall(json.dumps(message, default=str).encode() + b"\n")

    reply({"ready": True})
    while True:
        request = requests.get()
        if request is None:
            break
        report({"works": True})
        answered = answer(spark, tables_directory, request)
        if "error" in answered and not spark_process.is_alive(context):
            return  # The end of the connection says more than an error that follows from it.
        report({"works": False, "tables": tables_on_disk(tables_directory)})
        reply({"id": request["id"], **answered})
    gc.collect()  # Java keeps what Python has not given up.


def _requests(connection: socket.socket) -> "queue.Queue[dict[str, Any] | None]":
    """The requests as they come, and None at their end; then this process ends, even in the middle of a notebook."""
    requests: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def read() -> None:
        try:
            with connection.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    requests.put(json.loads(line))
        finally:
            requests.put(None)
            time.sleep(_TIME_TO_END_SECONDS)
            os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return requests


def run_sql(spark: SparkSession, query: str, parameters: dict[str, str], schema: str | None) -> dict[str, Any]:
    """The columns and rows of a query, values as JSON holds them (dates and decimals as text).

    Args:
        spark: The session.
        query: The statement.
        parameters: What `:name` in it stands for.
        schema: The one whose tables it may call by their bare names.
    """
    if schema and spark.catalog.databaseExists(schema):  # The job's first run makes it.
        spark.catalog.setCurrentDatabase(schema)
    try:
        frame = spark.sql(query, args=parameters)
        return {"columns": frame.columns, "rows": [row.asDict(recursive=True) for row in frame.collect()]}
    finally:
        spark.catalog.setCurrentDatabase("default")


def answer(spark: SparkSession, tables_directory: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks for; whatever goes wrong is part of the answer."""
    try:
        if "run_notebook" in request:
            try:
                return {"result": run_notebook(spark, **request["run_notebook"])}
            finally:
                save_views(spark, tables_directory)
        return {"result": run_sql(spark, **request["sql"])}
    # A notebook may fail in any way, and may also call sys.exit: neither may end the kernel.
    except (Exception, SystemExit) as error:
        return {"error": {"message": describe(error), "traceback": traceback.format_exc()}}


def describe(error: BaseException) -> str:
    """What went wrong, for people: the exception and its causes, Spark's without their plan and stack."""
    if isinstance(error, PySparkException) and error.getCondition():
        text = str(error).split("\n\nJVM stacktrace", maxsplit=1)[0].split("; line ", maxsplit=1)[0].strip()
    else:
        text = f"{type(error).__name__}: {error}"
    return f"{text}\n    caused by {describe(error.__cause__)}" if error.__cause__ else text
