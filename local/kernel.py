"""Runs notebooks and SQL on one warm Spark session, asked for in JSON lines.

Usage: python local/kernel.py TABLES_DIRECTORY SCHEMA

SCHEMA is the one whose tables a query may call by their bare names.

One request a line on standard input, one answer a line on standard output:

    {"id": 1, "run_notebook": {"path": "...", "parameters": {"schema": "..."}, "log": "..."}}
    {"id": 2, "sql": {"query": "SELECT ... WHERE tracking_num = :number", "parameters": {"number": "..."}}}
    -> {"id": 1, "result": {...}} or {"id": 1, "error": {"message": "...", "traceback": "..."}}

The first line out is {"ready": true}. Everything that Spark itself prints goes to standard error. The process ends with
its standard input, so it never outlives whoever started it.
"""

import json
import os
import queue
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

from notebook import run_notebook
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from spark_session import create_spark_session, register_tables, save_views


def run_sql(spark: SparkSession, schema: str, query: str, parameters: dict[str, str]) -> dict[str, Any]:
    """The columns and rows of a query, values as JSON holds them (dates and decimals as text)."""
    if spark.catalog.databaseExists(schema):  # The job's first run makes it.
        spark.catalog.setCurrentDatabase(schema)
    try:
        frame = spark.sql(query, args=parameters)
        return {"columns": frame.columns, "rows": [row.asDict(recursive=True) for row in frame.collect()]}
    finally:
        spark.catalog.setCurrentDatabase("default")


def answer(spark: SparkSession, tables_directory: Path, schema: str, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks for; whatever goes wrong is part of the answer."""
    try:
        if "run_notebook" in request:
            try:
                return {"result": run_notebook(spark, **request["run_notebook"])}
            finally:
                save_views(spark, tables_directory)
        return {"result": run_sql(spark, schema, **request["sql"])}
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


def main() -> None:
    """Serve requests until standard input ends."""
    # Spark's JVM inherits this process's standard output: keep that channel for answers, send the noise to the log.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.Queue[str] = queue.Queue()

    def read_requests() -> None:
        for line in sys.stdin:
            requests.put(line)
        os._exit(0)  # Nobody is left to answer, even if a notebook is still running.

    threading.Thread(target=read_requests, daemon=True).start()

    def reply(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message, default=str) + "\n")
        answers.flush()

    tables_directory, schema = Path(sys.argv[1]), sys.argv[2]
    spark = create_spark_session(tables_directory)
    register_tables(spark, tables_directory)
    reply({"ready": True})
    while True:
        request = json.loads(requests.get())
        reply({"id": request["id"], **answer(spark, tables_directory, schema, request)})


if __name__ == "__main__":
    main()
