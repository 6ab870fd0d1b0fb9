"""A run of the job in a process of its own, which may die at any of its effects.

An effect is a change to a file of the volume or a command to Spark, so dying before each of them in turn is dying at
every step: between any two commits and moves of files.

As a program: `python job_process.py URL SCHEMA VOLUME EFFECT HOW` runs the tasks against a Spark Connect server, dies
(HOW is `killed`) or fails (`failed`) just before that effect, and prints how many effects there were.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from crash_scenario import POLICY
from order_tracking.quality_gate import QualityGateError
from pipeline import Pipeline
from pyspark.sql import SparkSession
from pyspark.sql.connect.client import SparkConnectClient

_ROOT = Path(__file__).parents[2]

How = Literal["killed", "failed"]


class JobProcess:
    """A run of the job that has been started."""

    def __init__(self, url: str, pipeline: Pipeline, before_effect: int = 0, how: How = "killed") -> None:
        """Start it; it comes to its end unless it has as many effects as `before_effect`, which counts from 1."""
        self._process = subprocess.Popen(
            [sys.executable, __file__, url, pipeline.schema, str(pipeline.volume), str(before_effect), how],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{_ROOT / 'notebooks'}"},
        )

    def let_work(self, seconds: float) -> None:
        """Wait until that long after it came to work, or until its end."""
        assert self._process.stdout
        self._process.stdout.readline()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def kill(self) -> bool:
        """Kill it, and tell whether it was still there."""
        self._process.kill()
        self._process.communicate()
        return self._process.returncode == -signal.SIGKILL

    def wait(self) -> int | None:
        """Return how many effects it had; None if it was killed.

        Raises:
            RuntimeError: If it ended in another way.
        """
        output, errors = self._process.communicate()
        if self._process.returncode == -signal.SIGKILL:
            return None
        if self._process.returncode:
            raise RuntimeError(errors[-3000:])
        return int(output.split()[-1])


class Effects:
    """Counts this process's effects, and ends it, or lets an effect fail, before one of them."""

    def __init__(self, volume: str, before_effect: int, how: How) -> None:
        self.count = 0
        self._volume, self._before_effect, self._how = volume, before_effect, how

    def watch(self) -> None:
        """Count from now on."""
        sys.addaudithook(self._on_event)
        execute_command = SparkConnectClient.execute_command

        def counted(*args: Any, **kwargs: Any) -> Any:
            self._effect()
            return execute_command(*args, **kwargs)

        SparkConnectClient.execute_command = counted  # type: ignore[method-assign]

    def _on_event(self, event: str, args: tuple[Any, ...]) -> None:
        changes = event in ("os.remove", "os.rename") or (
            event == "open" and bool(args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        )
        if changes and str(args[0]).startswith(self._volume):
            self._effect()

    def _effect(self) -> None:
        self.count += 1
        if self.count != self._before_effect:
            return
        if self._how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError("made to fail")


def main() -> None:
    url, schema, volume, before_effect, how = sys.argv[1:]
    pipeline = Pipeline(SparkSession.builder.remote(url).getOrCreate(), schema, Path(volume))
    run_id = uuid4().hex[:8]
    print("at work", flush=True)
    effects = Effects(volume, int(before_effect), how)  # type: ignore[arg-type]
    effects.watch()
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
    print(effects.count)


def _expect_made_to_fail(error: BaseException) -> None:
    while error.__cause__:
        error = error.__cause__
    if "made to fail" not in str(error):
        raise error


if __name__ == "__main__":
    main()
