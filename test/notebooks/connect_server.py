"""A Spark Connect server on this machine, in a process of its own, so that its clients can die without it.

As a program: `python connect_server.py TABLES_DIRECTORY` prints the ports that it listens on, for Spark's clients and
for those who ask whether it works for a user, and ends with its standard input.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any

_LOCAL = Path(__file__).parents[2] / "local"


@dataclass(frozen=True)
class ConnectAddress:
    """Where a server is, for whichever process wants to use it."""

    port: int
    port_of_questions: int

    def url(self, user: str = "tests") -> str:
        """The address for Spark's clients."""
        return f"sc://127.0.0.1:{self.port}/;user_id={user}"

    def wait_until_idle(self, user: str) -> None:
        """Wait for what a user's clients began that are dead now: it may end well, or not."""
        with Client(("127.0.0.1", self.port_of_questions)) as connection:
            connection.send(user)
            connection.recv()


class ConnectServer:
    """A running server; as a context, until its end."""

    def __init__(self, tables_directory: Path) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(tables_directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            # Without what a client sets in its own environment to say that it is one.
            env={name: value for name, value in os.environ.items() if not name.startswith("SPARK_")},
            start_new_session=True,  # With its Java process it makes a group, which can be killed as one.
        )
        self.address = ConnectAddress(*map(int, self._answer().split()))

    def __enter__(self) -> ConnectAddress:
        return self.address

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.communicate()

    def kill(self) -> None:
        """Kill it, in the middle of whatever it is doing."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout
        answer = self._process.stdout.readline().strip()
        if not answer:
            self._errors.seek(0)
            raise RuntimeError(f"the Spark Connect server has ended:\n{self._errors.read()[-3000:]}")
        return answer


def main() -> None:
    sys.path.insert(0, str(_LOCAL))
    from spark_session import create_spark_session, register_tables

    os.environ["PYSPARK_SUBMIT_ARGS"] = (
        "--conf spark.plugins=org.apache.spark.sql.connect.SparkConnectPlugin "
        "--conf spark.connect.grpc.binding.port=0 "
        # The tests' tables are so small that to compile classes for each query takes longer than to do without.
        "--conf spark.sql.codegen.wholeStage=false --conf spark.sql.codegen.factoryMode=NO_CODEGEN "
        # What dead clients leave behind takes memory that others need. A test may not need its own for minutes.
        "--conf spark.connect.session.manager.defaultSessionTimeout=10m "
        # Nor does it need the tables of hundreds of tests before it, and what a page would show of all their queries.
        # As long as they are kept, Java looks through them for what it may drop.
        "--conf spark.databricks.delta.delta.log.cacheRetentionMinutes=5 --conf spark.driver.memory=3g "
        "--conf spark.sql.ui.retainedExecutions=20 --conf spark.ui.retainedJobs=50 --conf spark.ui.retainedStages=50 "
        "pyspark-shell"
    )
    tables_directory = Path(sys.argv[1])
    spark = create_spark_session(tables_directory)
    register_tables(spark, tables_directory)
    # A Scala object: only by its class can Python find it.
    service_class = spark._jvm.java.lang.Class.forName("org.apache.spark.sql.connect.service.SparkConnectService$")
    service = service_class.getField("MODULE$").get(None)
    listener = Listener(("127.0.0.1", 0))
    Thread(target=_answer_questions, args=(listener, service), daemon=True).start()
    print(service.localPort(), listener.address[1], flush=True)
    sys.stdin.read()
    spark.stop()


def _answer_questions(listener: Listener, service: Any) -> None:
    while True:
        Thread(target=_answer_when_idle, args=(listener.accept(), service), daemon=True).start()


def _answer_when_idle(connection: Connection, service: Any) -> None:
    with connection:
        user = connection.recv()
        while _works(service.listActiveExecutions(), user):
            time.sleep(0.02)
        connection.send("idle")


def _works(executions: Any, user: str) -> bool:
    """Tell whether something is still being executed; what ended stays listed until its client has fetched it."""
    if executions.isLeft():  # The time since which there has been nothing.
        return False
    listed = executions.toOption().get()
    of_user = [listed.apply(i) for i in range(listed.size()) if listed.apply(i).userId() == user]
    return any(
        execution.status().toString() not in ("Finished", "Failed", "Canceled", "Closed") for execution in of_user
    )


if __name__ == "__main__":
    main()
