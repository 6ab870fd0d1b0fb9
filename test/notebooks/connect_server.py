"""A Spark Connect server on this machine, in a process of its own, so that its clients can die without it.

As a program: `python connect_server.py TABLES_DIRECTORY` prints the port that it listens on, answers each line of its
standard input once it works for no client any more, and ends with its input.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

_LOCAL = Path(__file__).parents[2] / "local"


class ConnectServer:
    """A running server; as a context, until its end."""

    def __init__(self, tables_directory: Path) -> None:
        self._asking = Lock()
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
        self.url = f"sc://127.0.0.1:{self._answer()}"

    def __enter__(self) -> "ConnectServer":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.communicate()

    def kill(self) -> None:
        """Kill it, in the middle of whatever it is doing."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def wait_until_idle(self) -> None:
        """Wait for what clients began that are dead now: it may end well, or not."""
        with self._asking:
            assert self._process.stdin
            print(file=self._process.stdin, flush=True)
            self._answer()

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
        # What dead clients leave behind takes memory that others need.
        "--conf spark.connect.session.manager.defaultSessionTimeout=5m pyspark-shell"
    )
    tables_directory = Path(sys.argv[1])
    spark = create_spark_session(tables_directory)
    register_tables(spark, tables_directory)
    # A Scala object: only by its class can Python find it.
    service_class = spark._jvm.java.lang.Class.forName("org.apache.spark.sql.connect.service.SparkConnectService$")
    service = service_class.getField("MODULE$").get(None)
    print(service.localPort(), flush=True)
    for _ in sys.stdin:
        while _works(service.listActiveExecutions()):
            time.sleep(0.02)
        print("idle", flush=True)
    spark.stop()


def _works(executions: Any) -> bool:
    """Tell whether something is still being executed; what ended stays listed until its client has fetched it."""
    if executions.isLeft():  # The time since which there has been nothing.
        return False
    listed = executions.toOption().get()
    states = [listed.apply(i).status().toString() for i in range(listed.size())]
    return any(state not in ("Finished", "Failed", "Canceled", "Closed") for state in states)


if __name__ == "__main__":
    main()
