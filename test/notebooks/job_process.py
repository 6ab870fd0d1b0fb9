"""A run of the job in a process of its own, which may die at any of its effects.

An effect is a change to a file of the volume or a command to Spark, so dying before each of them in turn is dying at
every step: between any two commits and moves of files.
"""

import errno
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from contextlib import redirect_stdout
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from connect_server import ConnectAddress
from crash_scenario import POLICY, remove_what_should_go
from order_tracking.errors import QualityGateError, RemovalError
from order_tracking.files import moving
from pipeline import Pipeline
from pyspark.sql import SparkSession
from pyspark.sql.connect.client import SparkConnectClient
from pytest import MonkeyPatch

#: Forks of a server that has imported what a run needs, which takes longer than some runs. It must not do more than
#: that: to fork once gRPC has opened a channel is not safe.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload([__name__])
_STARTS_SERVER = threading.Lock()
#: The process that imported this module: for a fork its server, or itself where the server could not.
_IMPORTED_IN = os.getpid()

How = Literal["killed", "failed"]


class JobProcess:
    """A run of the job against a Spark Connect server, as a process that has been started."""

    def __init__(
        self,
        server: ConnectAddress,
        pipeline: Pipeline,
        before_effect: int = 0,
        how: How = "killed",
        renames: bool = True,
        counts_all: bool = True,
        removes: bool = False,
    ) -> None:
        """Start it; it comes to its end unless it has as many effects as `before_effect`, which counts from 1.

        `renames` says whether its file system can rename, `counts_all` whether commands to Spark and all changes to
        files count as effects, or only those that moving a file takes, and `removes` whether it withdraws and erases
        after the load. To the server, its user is the pipeline's schema.
        """
        _start_fork_server()
        self._dies_before = before_effect if how == "killed" else 0
        self._is_at_work = _PROCESSES.Event()
        self._effects = _PROCESSES.Value("i", 0)
        self._error, error = _PROCESSES.Pipe(duplex=False)
        self._process = _PROCESSES.Process(
            target=_report_error,
            args=(
                *(error, server.url(user=pipeline.schema), pipeline.schema, str(pipeline.volume)),
                *(before_effect, how, renames, counts_all, removes, self._is_at_work, self._effects),
            ),
        )
        self._process.start()
        error.close()

    def let_work(self, seconds: float) -> None:
        """Wait until that long after it came to work, or until its end."""
        self._is_at_work.wait(60)
        self._process.join(seconds)

    def kill(self) -> bool:
        """Kill it, and tell whether it was still there."""
        self._process.kill()
        return self.wait() is None

    def wait(self) -> int | None:
        """Return how many effects it had; None if it was killed.

        Raises:
            RuntimeError: With what it met if it ended in another way.
        """
        self._process.join()
        if self._process.exitcode == -signal.SIGKILL:
            return None
        try:
            error = self._error.recv()
        except EOFError:  # It died without a word, and how a forked process died may be lost.
            if 0 < self._dies_before == self._effects.value:
                return None
            error = f"it said nothing, and ended with {self._process.exitcode}"
        if error:
            raise RuntimeError(f"the job's process failed:\n{error}")
        return int(self._effects.value)


class Effects:
    """Counts this process's effects, and ends it, or lets an effect fail, before one of them."""

    def __init__(self, volume: str, before_effect: int, how: How, count: Any) -> None:
        self._volume, self._before_effect, self._how, self._count = volume, before_effect, how, count
        self._one_at_a_time = threading.Lock()

    def watch(self, counts_all: bool) -> None:
        """Count from now on: changes to files and commands to Spark, or only what moving a file takes."""
        self._counts_all = counts_all
        sys.addaudithook(self._on_event)
        if not counts_all:
            return
        execute_command = SparkConnectClient.execute_command

        def counted(client: Any, command: Any, *args: Any, **kwargs: Any) -> Any:
            # A query has no effect, but comes as a command, too.
            if not command.sql_command.input.sql.query.lstrip().startswith(("SELECT", "DESCRIBE")):
                self._effect()
            return execute_command(client, command, *args, **kwargs)

        SparkConnectClient.execute_command = counted  # type: ignore[method-assign]

    def _on_event(self, event: str, args: tuple[Any, ...]) -> None:
        changes = event in ("os.remove", "os.rename") or (
            event == "open" and bool(args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        )
        path = str(args[0])
        # What is written aside to be moved to its place, or to see what can be done, is read by nobody.
        is_aside = "/.probe/" in path or (event == "open" and path.endswith(".tmp"))
        # The checkpoint's path starts so, too.
        if changes and not is_aside and path.startswith(self._volume) and (self._counts_all or _is_moving()):
            self._effect()

    def _effect(self) -> None:
        # Files are moved by several threads.
        with self._one_at_a_time:
            self._count.value += 1
            if self._count.value != self._before_effect:
                return
        if self._how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError("made to fail")


def _is_moving() -> bool:
    return any(frame.f_code.co_filename == moving.__file__ for frame, _ in traceback.walk_stack(None))


def refuse_to_rename(*_: Any) -> None:
    """As some clients of volumes do."""
    raise OSError(errno.ENOSYS, "Function not implemented")


def _start_fork_server() -> None:
    """Start it unless it runs. Before Python 3.12.4 it looks for modules only where its environment says.

    What it does not find there it leaves to its forks, without a word.
    """
    with _STARTS_SERVER, MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()


def _report_error(error: Any, *arguments: Any) -> None:
    try:
        assert os.getpid() != _IMPORTED_IN, "the fork server has not imported this module, so each fork takes longer"
        _run_job(*arguments)
        error.send(None)
    except BaseException:
        error.send(traceback.format_exc())


def _run_job(
    url: str,
    schema: str,
    volume: str,
    before_effect: int,
    how: How,
    renames: bool,
    counts_all: bool,
    removes: bool,
    is_at_work: Any,
    effects: Any,
) -> None:
    if not renames:
        os.rename = os.replace = refuse_to_rename
    pipeline = Pipeline(SparkSession.builder.remote(url).getOrCreate(), schema, Path(volume))
    run_id = uuid4().hex[:8]
    is_at_work.set()
    Effects(volume, before_effect, how, effects).watch(counts_all)
    with Path(os.devnull).open("w") as log, redirect_stdout(log):
        try:
            pipeline.stage(run_id, POLICY)
            pipeline.merge(run_id)
        except Exception as error:
            _expect_made_to_fail(error)
        try:
            pipeline.gate(run_id)
        except QualityGateError:
            pass  # A task failed.
        except OSError as error:
            _expect_made_to_fail(error)
        try:
            if removes:
                remove_what_should_go(pipeline)
        except RemovalError:
            pass  # Something was left to the next load.
        except Exception as error:
            _expect_made_to_fail(error)


def _expect_made_to_fail(error: BaseException) -> None:
    while error.__cause__:
        error = error.__cause__
    if "made to fail" not in str(error):
        raise error
