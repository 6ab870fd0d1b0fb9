"""Two runs at once do no harm, wherever the one is when the other comes by."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from order_tracking import load_batch, quality_gate, source_to_stage, stage_to_final
from order_tracking.batch import new_batch_id
from order_tracking.checkpoint import Checkpoint, Claim
from order_tracking.claimed_files import TakenFile, take
from order_tracking.clock import utc_now
from order_tracking.landing import list_arrivals
from order_tracking.volume import open_volume
from pipeline import Pipeline, lines, order

MOMENTS = [
    (source_to_stage, "list_arrivals"),
    (Checkpoint, "claim"),
    (load_batch, "take"),
    (load_batch, "write_stage"),
    (load_batch, "quarantine_rows"),
    (Checkpoint, "stage"),
    (stage_to_final, "merge_batches"),
    (Checkpoint, "close"),
    (quality_gate, "_write_job_log"),
]


@pytest.mark.parametrize(("owner", "step"), MOMENTS, ids=[name for _, name in MOMENTS])
def test_a_run_in_the_middle_of_another_does_no_harm(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, owner: Any, step: str
) -> None:
    pipeline.drop("a.csv", lines(order(1), "bad"))
    function = getattr(owner, step)

    def interrupted(*args: Any) -> Any:
        monkeypatch.undo()
        pipeline.run()
        return function(*args)

    monkeypatch.setattr(owner, step, interrupted)
    pipeline.run()
    pipeline.run()
    assert pipeline.statuses() == {"T1": "SHIPPED"}
    assert [(file, number) for file, number, _ in pipeline.quarantine()] == [("a.csv", 2)]
    assert pipeline.files("archive").keys() == {"a.csv"}
    assert "MERGED" in pipeline.states()["a.csv"]
    assert [row.is_current for row in pipeline.table("orders_history")] == [True]
    runs = pipeline.table("job_runs_table")
    assert len({row.record_id for row in runs}) == len(runs)


def test_of_two_claims_at_once_each_file_goes_to_one(pipeline: Pipeline) -> None:
    for number in range(50):
        pipeline.drop(f"{number}.csv", lines(order(number)))
    volume = open_volume(str(pipeline.volume))
    files = tuple(list_arrivals(volume.landing))
    barrier = Barrier(2)

    def race(_: int) -> list[str]:
        claim = Claim(new_batch_id(utc_now()), "run", files)
        barrier.wait()
        return [file.path for file in files if isinstance(take(volume, claim, file), TakenFile)]

    with ThreadPoolExecutor(2) as runs:
        first, second = runs.map(race, range(2))
    assert sorted([*first, *second]) == sorted(file.path for file in files)
