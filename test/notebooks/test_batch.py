from datetime import date, datetime, timezone

from order_tracking.batch import batch_date, batch_number, new_batch_id

CLAIMED_AT = datetime(2026, 11, 21, 23, 59, tzinfo=timezone.utc)


def test_ids_sort_by_the_number_of_the_claim_whatever_the_clock_says() -> None:
    later_clock = datetime(2027, 1, 1, tzinfo=timezone.utc)
    ids = [new_batch_id(9, later_clock), new_batch_id(10, CLAIMED_AT), new_batch_id(100, CLAIMED_AT)]
    assert sorted(ids) == ids


def test_two_claims_of_one_number_have_two_ids() -> None:
    assert new_batch_id(1, CLAIMED_AT) != new_batch_id(1, CLAIMED_AT)


def test_an_id_tells_its_number_and_day() -> None:
    batch_id = new_batch_id(42, CLAIMED_AT)
    assert (batch_number(batch_id), batch_date(batch_id)) == (42, date(2026, 11, 21))
