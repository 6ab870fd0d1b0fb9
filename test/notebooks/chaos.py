"""Kill runs of the job at random moments, many times: `npm run test:chaos [-- --kills N --seed N]`.

A run loads, withdraws a file and erases an order. It is killed, or fails, before one of its effects or at any time;
now and then Spark is killed as well, with whatever it was about to commit. The next run may die, too; then one more
must leave tables, views and files as if none had died. In every second group of loads the file system cannot rename.
The seed, which is printed, gives the same choices again.
"""

import argparse
import random
import tempfile
from itertools import count
from pathlib import Path

from connect_server import ConnectServer
from crash_scenario import (
    assert_all_is_accounted_for,
    assert_nothing_is_under_way,
    drop_file_to_remove,
    drop_files_of,
    outcomes,
)
from job_process import How, JobProcess
from pipeline import Pipeline
from pyspark.sql import SparkSession

#: How many times the same tables are loaded into: enough to seldom make new ones, few enough to stay quick.
LOADS_OF_SAME_TABLES = 12
#: About as many as a run has.
MOST_EFFECTS = 90
#: How likely a run dies that was to finish what another left behind.
DIES_AGAIN = 0.8
#: How likely something new arrives after a death.
ARRIVES_MEANWHILE = 0.3


class Chaos:
    """A Spark, replaced when it dies, and the choices that chance makes."""

    def __init__(self, directory: Path, chance: random.Random) -> None:
        self.kills = 0
        self._renames = True
        self._directory, self._chance = directory, chance
        self._start_spark()

    def die_often(self, schema: str, renames: bool) -> None:
        """Let runs die on tables of their own, one or more in a row, then one come to its end.

        Raises:
            AssertionError: If anything is not as after an undisturbed run.
        """
        self._renames = renames
        died = {"undisturbed": "not at all"}
        self._drop("undisturbed", schema)
        self._run(schema)
        for number in range(LOADS_OF_SAME_TABLES):
            client = f"load{number}"
            self._drop(client, schema)
            died[client] = self._die(schema)
            while self._chance.random() < DIES_AGAIN:
                died[client] += f", {self._die(schema)}"
            print(f"{schema} {client}: {died[client]}", flush=True)
            if self._chance.random() < ARRIVES_MEANWHILE:
                self._drop(f"next{number}", schema)
                died[f"next{number}"] = f"after {client}"
            self._run(schema)
            assert_nothing_is_under_way(self._pipeline(schema))
        found = outcomes(self._pipeline(schema))
        assert found.keys() == died.keys()
        for client, outcome in found.items():
            assert outcome == found["undisturbed"], f"{client}, {died[client]}: {outcome}"
        assert_all_is_accounted_for(self._pipeline(schema))

    def _drop(self, client: str, schema: str) -> None:
        drop_files_of(client, self._pipeline(schema))
        drop_file_to_remove(client, self._pipeline(schema))

    def _pipeline(self, schema: str) -> Pipeline:
        return Pipeline(self._spark, schema, self._directory / schema)

    def _run(self, schema: str) -> None:
        JobProcess(self._server.address, self._pipeline(schema), renames=self._renames, removes=True).wait()
        self._spark.sql("SELECT 1").collect()  # The server ends a session that is idle for ten minutes.

    def _die(self, schema: str) -> str:
        way = self._chance.choices(["killed", "failed", "killed at any time", "killed with Spark"], [10, 2, 7, 1])[0]
        effect, seconds = self._chance.randint(1, MOST_EFFECTS), self._chance.uniform(0, 9)
        pipeline = self._pipeline(schema)
        if way in ("killed", "failed"):
            how: How = "killed" if way == "killed" else "failed"
            process = JobProcess(self._server.address, pipeline, effect, how, self._renames, removes=True)
            self.kills += process.wait() is None
        else:
            process = JobProcess(self._server.address, pipeline, renames=self._renames, removes=True)
            process.let_work(seconds)
            if way == "killed with Spark":
                self._server.kill()
            self.kills += process.kill()
            if way == "killed with Spark":
                self._start_spark()
        self._server.address.wait_until_idle(schema)
        return f"{way} before effect {effect}" if way in ("killed", "failed") else f"{way} after {seconds:.2f} s"

    def _start_spark(self) -> None:
        self._server = ConnectServer(self._directory / "tables")
        self._spark = SparkSession.builder.remote(self._server.address.url()).create()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        chaos = Chaos(Path(directory), random.Random(arguments.seed))
        for group in count(1):
            chaos.die_often(f"group{group}", renames=group % 2 == 1)
            print(f"{chaos.kills} kills, and no difference", flush=True)
            if chaos.kills >= arguments.kills:
                break


if __name__ == "__main__":
    main()
