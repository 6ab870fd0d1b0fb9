from order_tracking.contract import COLUMNS, KEY, SEQUENCE, TIE_BREAKERS, normalised, precedence


def test_every_column_but_the_key_takes_part_in_deciding_between_two_states() -> None:
    assert sorted((KEY, *precedence())) == sorted(column.name for column in COLUMNS)


def test_states_are_compared_by_time_first() -> None:
    assert precedence()[0] == SEQUENCE
    assert precedence()[1 : 1 + len(TIE_BREAKERS)] == TIE_BREAKERS


def test_header_names_match_without_case_spaces_and_underscores() -> None:
    assert {normalised(name) for name in ("tracking_num", "Tracking Num", " TRACKING__NUM ", "trackingNum")} == {
        "trackingnum"
    }
