"""The job's process is killed before each of its effects in turn: one more run, and nothing can be seen of it."""

from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import pytest
from connect_server import ConnectAddress
from crash_scenario import (
    assert_all_is_accounted_for,
    assert_nothing_is_under_way,
    drop_files_of,
    outcomes,
)
from job_process import JobProcess
from pipeline import Pipeline
from pyspark.sql import SparkSession

#: Each takes every second effect, on tables of its own.
WORKERS = 2


@pytest.mark.parametrize("renames", [True, False], ids=["renames", "copies"])
def test_one_more_run_finishes_what_was_killed_before_any_effect(
    server: ConnectAddress, spark: SparkSession, tmp_path: Path, renames: bool
) -> None:
    # But for the moves themselves both ways of moving files have the same effects, so these are died before in one.
    def job(pipeline: Pipeline, before_effect: int = 0) -> JobProcess:
        return JobProcess(server, pipeline, before_effect, renames=renames, counts_all=renames)

    def kill_before_effects(worker: int) -> tuple[Pipeline, set[int]]:
        pipeline = Pipeline(spark, f"test_kills_{renames}_{worker}", tmp_path / str(worker))
        for client in ("first", "undisturbed"):  # The first has the effects of making the tables as well.
            drop_files_of(client, pipeline)
            effects = job(pipeline).wait() or 0
        mine = range(1 + worker, effects + 1, WORKERS)
        # In pairs, of which one more run finishes both. The second run of a pair loads what is new first, so that it
        # dies in its own batch, too, where the effect is an early one.
        late, early = mine[len(mine) // 2 :], mine[: len(mine) // 2]
        for pair in zip_longest(late, early):
            for effect in filter(None, pair):
                drop_files_of(f"effect{effect}", pipeline)
                assert job(pipeline, effect).wait() is None
                server.wait_until_idle(pipeline.schema)
            job(pipeline).wait()
            assert_nothing_is_under_way(pipeline)
            spark.sql("SELECT 1").collect()  # The server ends a session that is idle for ten minutes.
        return pipeline, set(mine)

    with ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(kill_before_effects, range(WORKERS)))
    assert len(set.union(*(effects for _, effects in results))) > (15 if renames else 10)
    for pipeline, effects in results:
        found = outcomes(pipeline)
        assert len(found) == 2 + len(effects)
        assert {client: outcome for client, outcome in found.items() if outcome != found["undisturbed"]} == {}
        assert_all_is_accounted_for(pipeline)
