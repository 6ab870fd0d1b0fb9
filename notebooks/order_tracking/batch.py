"""A batch: the files that one run of `source_to_stage` loads together."""

import secrets
from dataclasses import dataclass
from datetime import date, datetime

from order_tracking.landing import ArrivedFile


@dataclass(frozen=True)
class Batch:
    """The files of a batch, as they were when it was claimed."""

    id: str
    files: tuple[ArrivedFile, ...]


def new_batch_id(number: int, claimed_at: datetime) -> str:
    """Name a batch so that ids sort in the order of the claims, and no two claims share one.

    The random end keeps apart two runs that claim the same number at once, and batches of tables that were dropped
    and created anew while their archive stayed.
    """
    return f"{number:08d}-{claimed_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def batch_number(batch_id: str) -> int:
    """Return the claim's number in a batch id."""
    return int(batch_id.split("-")[0])


def batch_date(batch_id: str) -> date:
    """Return the day on which a batch was claimed: a resumed batch is filed where its first attempt would have."""
    return datetime.strptime(batch_id.split("-")[1], "%Y%m%dT%H%M%SZ").date()
