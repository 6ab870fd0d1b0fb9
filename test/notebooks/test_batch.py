from datetime import date, datetime, timezone

from order_tracking.files.batch import batch_date, new_batch_id

CLAIMED_AT = datetime(2026, 11, 21, 23, 59, 59, 999_999, tzinfo=timezone.utc)


def test_ids_sort_by_the_time_of_the_claim() -> None:
    times = [CLAIMED_AT.replace(microsecond=1), CLAIMED_AT, CLAIMED_AT.replace(year=2027)]
    ids = [new_batch_id(time) for time in times]
    assert sorted(ids) == ids


def test_two_claims_of_one_moment_have_two_ids() -> None:
    assert new_batch_id(CLAIMED_AT) != new_batch_id(CLAIMED_AT)


def test_an_id_tells_its_day() -> None:
    assert batch_date(new_batch_id(CLAIMED_AT)) == date(2026, 11, 21)
