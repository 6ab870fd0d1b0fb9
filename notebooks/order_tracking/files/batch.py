"""A batch: the files that are loaded together."""

import re
import secrets
from datetime import date, datetime, timezone

_TIME = "%Y%m%dT%H%M%S.%fZ"
_ID = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{1,12}(-[12])*")


def new_batch_id(claimed_at: datetime) -> str:
    """Name a batch so that ids sort by the time of the claim; the random end keeps apart two claims at once."""
    return f"{claimed_at:{_TIME}}-{secrets.token_hex(3)}"


def first_batch_id(claimed_at: datetime) -> str:
    """Return what is not greater than the id of any batch claimed since then, and greater than that of any before."""
    return f"{claimed_at.astimezone(timezone.utc):{_TIME}}"


def halves_of(batch_id: str) -> tuple[str, str]:
    """Name the two batches that a batch is divided into; the same names whenever it is done."""
    return f"{batch_id}-1", f"{batch_id}-2"


def larger_batches(batch_id: str) -> list[str]:
    """Name the batches that a batch was divided from, its own whole first."""
    parents = []
    while batch_id.count("-") > 1:
        batch_id = batch_id.rsplit("-", 1)[0]
        parents.append(batch_id)
    return parents


def is_batch_id(text: str) -> bool:
    """Tell whether a text could be a batch's name: it becomes a part of paths, so nothing else may."""
    try:
        return bool(_ID.fullmatch(text)) and bool(claimed_at(text))
    except ValueError:
        return False


def claimed_at(batch_id: str) -> datetime:
    """Return when a batch was claimed."""
    return datetime.strptime(batch_id.split("-")[0], _TIME).replace(tzinfo=timezone.utc)


def batch_date(batch_id: str) -> date:
    """Return the day on which a batch was claimed: a resumed batch is filed where its first attempt would have."""
    return claimed_at(batch_id).date()
