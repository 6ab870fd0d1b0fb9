"""Histories as clients send them, day by day, loaded in any order: the tables equal an independent computation."""

import os
import random
import time
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

from order_tracking.contract.orders import ORDERS
from order_tracking.tasks.load_batch import Policy
from pipeline import COLUMNS, Pipeline, csv_text

ORDERS_COUNT, DAYS, RUNS = 400, 45, 4
FIRST_DAY = date(2026, 1, 5)
WAY = ["CREATED", "RECEIVED", "APPROVED", "PACKED", "SHIPPED", "IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED"]
assert ORDERS.progress
RANK = {status: 1 + rank for rank, status in enumerate(ORDERS.progress.values)}


class Client:
    """Sends a file a day with the states of that day; now and then something is wrong with it."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.files: dict[str, tuple[float, str]] = {}
        #: Each good row with what decides between it and others of one key and time.
        self.good: list[tuple[tuple[str | None, ...], tuple[int, float, str, int]]] = []
        self.bad: Counter[str] = Counter()
        by_day: dict[int, list[list[str]]] = defaultdict(list)
        for number in range(ORDERS_COUNT):
            for day, row in self._states_of(number):
                by_day[day].append(row)
        begin = time.time() - 86_400 * 2
        for day in range(DAYS):
            self._send(f"orders_{FIRST_DAY + timedelta(days=day)}.csv", begin + 60 * day, by_day[day])
            if self.chance.random() < 0.15:  # A correction: some of the same states, sent after all others.
                corrected = [[*row[:3], f"{row[3]}, corrected", *row[4:]] for row in by_day[day][::3]]
                self._send(f"corrections/{day}.csv", begin + 60 * (DAYS + day), corrected)
            if self.chance.random() < 0.1:  # A day twice.
                self._send(f"again/orders_{day}.csv", begin + 60 * (2 * DAYS + day), by_day[day])

    def _states_of(self, number: int) -> list[tuple[int, list[str]]]:
        day, hour, states = self.chance.randrange(DAYS), 8, []
        received = FIRST_DAY + timedelta(days=day)
        way = WAY[: self.chance.randint(1, len(WAY))]
        if len(way) > 5 and self.chance.random() < 0.2:
            way = [*way[:-1], self.chance.choice(["CANCELLED", "LOST", "RETURNED", "HELD"])]
        for status in way:
            if self.chance.random() < 0.7:
                day, hour = day + self.chance.randint(0, 3), self.chance.randint(0, 23)
            if day >= DAYS:
                break
            updated = datetime.combine(FIRST_DAY + timedelta(days=day), datetime.min.time()) + timedelta(hours=hour)
            delivered = str(updated.date()) if status == "DELIVERED" and self.chance.random() < 0.8 else ""
            address = self.chance.choice(["1 Main Street", 'Flat "7", Main Street', "Größe\nStraße 2", ""])
            states.append((day, [f"T{number}", f"O{number}", status, address, str(received), delivered, str(updated)]))
        return states

    def _send(self, path: str, sent: float, rows: list[list[str]]) -> None:
        rows = self.chance.sample(rows, len(rows))
        order = self.chance.sample(range(len(COLUMNS)), len(COLUMNS)) if self.chance.random() < 0.3 else range(7)
        lines = []
        for row in rows:
            flaw = (
                self.chance.choice(["", "required", "type", "malformed", "future"])
                if self.chance.random() < 0.05
                else ""
            )
            sent_row = list(row)
            if flaw == "required":
                sent_row[0] = " "
            elif flaw == "type":
                sent_row[4] = "31/12/2026"
            elif flaw == "future":
                sent_row[6] = "9999-12-31"
            line = [sent_row[i] for i in order] + (["more"] if flaw == "malformed" else [])
            lines.append(line)
            if flaw:
                self.bad[flaw] += 1
            else:
                values = tuple(value or None for value in row)
                self.good.append((values, (RANK.get(row[2], 0), round(sent), path, len(lines))))
        self.files[path] = (sent, csv_text(lines, [COLUMNS[i] for i in order]))


def test_histories_loaded_in_any_order_equal_an_independent_computation(pipeline: Pipeline) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    client = Client(seed)
    paths = client.chance.sample(sorted(client.files), len(client.files))
    for run in range(RUNS):
        for path in paths[run::RUNS]:
            sent, text = client.files[path]
            file = pipeline.drop(path, text)
            os.utime(file, (round(sent), round(sent)))
        staged, _ = pipeline.run(Policy(max_bad_rows_percent=100))
        assert not [file for file in staged.files if file.outcome != "staged"]

    states = {(values[0], values[6]): values for values, _ in sorted(client.good, key=lambda row: row[1])}
    times = defaultdict(list)
    for key, at in sorted(states):
        times[key].append(at)
    assert pipeline.orders() == {key: states[key, of_key[-1]] for key, of_key in times.items()}

    columns = [f"CAST({name} AS string)" for name in [*COLUMNS, "valid_from", "valid_to", "is_current"]]
    found = sorted(tuple(row) for row in pipeline.table("orders_history", *columns))
    expected = [
        (*states[key, at], at, of_key[i + 1] if i + 1 < len(of_key) else None, str(i + 1 == len(of_key)).lower())
        for key, of_key in times.items()
        for i, at in enumerate(of_key)
    ]
    assert found == sorted(expected)
    assert Counter(rule for _, _, reasons in pipeline.quarantine() for _, rule in reasons) == client.bad
