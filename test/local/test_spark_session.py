from spark_session import are_replaced

LOG, VIEW = "orders.db/orders_table/_delta_log", "orders.db/orders_history.view.sql"
KNOWN = {LOG: (7, 100), VIEW: (8, 100)}


def test_tables_that_only_grew_are_the_same_ones_and_a_view_may_be_made_anew() -> None:
    assert not are_replaced(KNOWN, KNOWN)
    assert not are_replaced(KNOWN, {LOG: (7, 200), VIEW: (9, 200), "orders.db/more/_delta_log": (10, 200)})
    assert not are_replaced(KNOWN, {LOG: (7, 100)})


def test_tables_that_are_gone_or_others_in_their_place_are_replaced() -> None:
    assert are_replaced(KNOWN, {})
    assert are_replaced(KNOWN, {LOG: (11, 100), VIEW: (8, 100)})
