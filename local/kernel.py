"""Serves one client of the warm Spark: runs notebooks and SQL on the tables of a home, asked for in JSON lines.

One request a line, one answer a line:

    {"id": 1, "run_notebook": {"path": "...", "parameters": {"schema": "..."}, "log": "..."}}
    {"id": 2, "sql": {"query": "SELECT ... WHERE n = :number", "parameters": {"number": "..."}, "schema": "...", ...}}
    {"id": 3, "change_of": {"query": "DELETE ..."}}
    -> {"id": 1, "result": {...}} or {"id": 1, "error": {"message": "..."}}

Of many rows, all but the last ones come before that, in lines that no client is too small for:

    -> {"id": 2, "rows": [{...}, ...]}

While Spark is at work, it tells how far it is, every second:

    -> {"progress": {"tasks": 8, "tasks_done": 3, "rows": 350000}}

It is a process of its own, a fork of `spark_server.py`, and ends with the connection, whatever it is doing then.
"""

import contextlib
import gc
import json
import math
import os
import queue
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import spark_process
from notebook import run_notebook
from py4j.protocol import Py4JError, Py4JJavaError  # type: ignore[import-untyped]
from pyspark import SparkContext
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import SparkSession
from spark_session import UnreadableTableError, tables_on_disk, views_kept
from statement import change_of, nearest_table, on_this_machine

#: For the end of a process that is at work on nothing.
_TIME_TO_END_SECONDS = 0.2

_BETWEEN_PROGRESS_SECONDS = 1

#: Spark compiles classes for each new query, which takes longer than to do without where there is little to compute.
_SMALL_HOME_BYTES = 2 << 20
_INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
_COMPILED = {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"}

#: From here on not every whole number is one of JavaScript's.
_LAST_EXACT = 2**53

#: A line ends with so many rows, or with the row that makes it so long: one with all of them may be longer than any
#: text that a client can have, which in Node is half a GiB.
ROWS_OF_A_PART = 5000
BYTES_OF_A_PART = 16 << 20

Report = Callable[[dict[str, Any]], None]


def new_job_group() -> str:
    """Name what a client begins in Spark.

    Spark cancels whatever else is begun under the name of a group that was canceled, and the numbers of processes come
    round again within the life of a warm Spark: by its number alone, a client could get the name of one that is gone.
    """
    return f"client-{os.getpid()}-{secrets.token_hex(4)}"


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
    group = new_job_group()
    context.setJobGroup(group, group, interruptOnCancel=True)
    report({"job_group": group, "thread": spark_process.current_thread(context)})

    one_at_a_time = threading.Lock()

    def reply(message: dict[str, Any]) -> None:
        with one_at_a_time:
            connection.sendall(_in_a_line(message) + b"\n")

    if opened is None:
        try:
            home = spark_process.open_home(context, tables_directory)
        except UnreadableTableError as error:
            if not spark_process.is_alive(context):
                raise
            reply({"failed": f"{describe(error)}\n    {error.what_helps}"})
            return
        report({"opened": home._target_id, "tables": _tables_known(tables_directory)})
    else:
        home = spark_process.opened_home(context, opened)
    spark = spark_process.session_of(context, home)

    reply({"ready": True})
    at_work = threading.Event()
    threading.Thread(target=_tell_progress, args=(context, group, at_work, reply), daemon=True).start()
    while True:
        request = requests.get()
        if request is None:
            break
        report({"works": True})
        at_work.set()
        for name, value in (_INTERPRETED if is_small(tables_directory.parent) else _COMPILED).items():
            spark.conf.set(name, value)
        answered = answer(spark, tables_directory, request)
        at_work.clear()
        if "error" in answered and not spark_process.is_alive(context):
            return  # The end of the connection says more than an error that follows from it.
        report({"works": False, "tables": _tables_known(tables_directory)})
        for part in in_parts(answered):
            reply({"id": request["id"], **part})
    gc.collect()  # Java keeps what Python has not given up.


def _tables_known(tables_directory: Path) -> dict[str, tuple[int, int]]:
    """What is on the disk; nothing where that does not answer, so that whoever comes next opens the home anew."""
    try:
        return tables_on_disk(tables_directory)
    except OSError:
        return {}


def is_small(home: Path) -> bool:
    """Tell whether all that a home holds, tables and files, is small; what cannot be looked at counts for nothing."""
    size = 0
    for folder, _, names in os.walk(home):
        for name in names:
            with contextlib.suppress(OSError):  # Another command may be at work there, or it is somebody else's folder.
                size += Path(folder, name).lstat().st_size
            if size > _SMALL_HOME_BYTES:
                return False
    return True


def _tell_progress(context: SparkContext, group: str, at_work: threading.Event, reply: Report) -> None:
    """Tell how far Spark is, as long as it is at work."""
    while at_work.wait():
        time.sleep(_BETWEEN_PROGRESS_SECONDS)
        try:
            progress = spark_process.progress_of(context, group) if at_work.is_set() else None
            if progress:
                reply({"progress": progress})
        except Py4JJavaError:  # A stage ended between two questions.
            continue
        except (Py4JError, OSError):  # Java, or the client, is gone, as others find out and tell.
            return


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


class StatementError(Exception):
    """A statement that is not run, or that Spark refused, with what people can do."""


def run_sql(
    spark: SparkSession,
    query: str,
    parameters: dict[str, str],
    schema: str | None,
    catalogs: list[str],
    may_change: bool,
) -> dict[str, Any]:
    """The columns and rows of a query, values as JSON holds them (dates and decimals as text).

    Args:
        spark: The session.
        query: The statement.
        parameters: What `:name` in it stands for.
        schema: The one whose tables it may call by their bare names.
        catalogs: What the catalog of these tables is called in a workspace.
        may_change: Whether it may do more than read.

    Raises:
        StatementError: If it would, and may not; if there is no table of a name; if several columns have one name.
    """
    query = on_this_machine(query, catalogs)
    change = None if may_change else change_of(spark, query)
    if change:
        raise StatementError(f"{change}: this is not a question, and nothing was changed")
    if schema and spark.catalog.databaseExists(schema):  # The job's first run makes it.
        spark.catalog.setCurrentDatabase(schema)
    try:
        frame = spark.sql(query, args=parameters)
        twice = [name for name, times in Counter(frame.columns).items() if times > 1]
        if twice:
            raise StatementError(f"several columns are called {', '.join(twice)}: give each a name of its own with AS")
        return {"columns": frame.columns, "rows": [in_json(row.asDict(recursive=True)) for row in frame.collect()]}
    except AnalysisException as error:
        nearest = nearest_table(spark, error)
        if nearest is None:
            raise
        raise StatementError(f"{describe(error)}\n    Is it {nearest}?") from None
    finally:
        spark.catalog.setCurrentDatabase("default")


def in_json(value: Any) -> Any:
    """Write as text what JSON does not have, or what its readers round: no numbers, infinite ones, and long ones."""
    if isinstance(value, dict):
        # A map's keys may be of any type; a struct's are names.
        return {name if isinstance(name, str) else str(in_json(name)): in_json(each) for name, each in value.items()}
    if isinstance(value, list):
        return [in_json(each) for each in value]
    if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, int) and abs(value) > _LAST_EXACT):
        return str(value)
    return value


def answer(spark: SparkSession, tables_directory: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks for; whatever goes wrong is part of the answer."""
    try:
        if "run_notebook" in request:
            with views_kept(spark, tables_directory):
                return {"result": run_notebook(spark, **request["run_notebook"])}
        if "change_of" in request:
            return {"result": change_of(spark, **request["change_of"])}
        with views_kept(spark, tables_directory) if request["sql"]["may_change"] else contextlib.nullcontext():
            return {"result": run_sql(spark, **request["sql"])}
    # A notebook may fail in any way, and may also call sys.exit: neither may end the kernel.
    except (Exception, SystemExit) as error:
        return {"error": {"message": describe(error)}}


def in_parts(answered: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Split an answer with many rows; the last part is the answer, with those that are left."""
    result = answered.get("result")
    if isinstance(result, dict) and "rows" in result:
        part: list[Any] = []
        size = 0
        for row in result["rows"]:
            part.append(row)
            size += len(_in_a_line(row))
            if len(part) == ROWS_OF_A_PART or size >= BYTES_OF_A_PART:
                yield {"rows": part}
                part, size = [], 0
        answered = {"result": {**result, "rows": part}}
    yield answered


def _in_a_line(message: Any) -> bytes:
    """Write a message as clients get it."""
    return json.dumps(message, default=str).encode()


def describe(error: BaseException) -> str:
    """What went wrong, for people: the exception and its causes, Spark's without their plan and stack."""
    if isinstance(error, PySparkException) and error.getCondition():
        text = str(error).split("\n\nJVM stacktrace", maxsplit=1)[0].split("; line ", maxsplit=1)[0].strip()
    elif isinstance(error, (StatementError, UnreadableTableError)):
        text = str(error)
    elif isinstance(error, (Py4JJavaError, PySparkException)):
        text = _without_stack(str(error))
    else:
        text = f"{type(error).__name__}: {error}"
    return f"{text}\n    caused by {describe(error.__cause__)}" if error.__cause__ else text


def _without_stack(text: str) -> str:
    """An error of Java without where it was raised: what went wrong, and what that was caused by."""
    lines = (line.strip().removeprefix(": ") for line in text.splitlines())
    no_reasons = ("at ", "...", "An error occurred while calling", "Suppressed: ", "JVM stacktrace")
    return "\n    ".join(dict.fromkeys(line for line in lines if line and not line.startswith(no_reasons)))
