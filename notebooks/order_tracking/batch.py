"""A batch: the files that one run of `source_to_stage` loads together."""

import secrets
from datetime import date, datetime

_TIME = "%Y%m%dT%H%M%S.%fZ"


def new_batch_id(claimed_at: datetime) -> str:
    """Name a batch so that ids sort by the time of the claim; the random end keeps apart two claims at once."""
    return f"{claimed_at:{_TIME}}-{secrets.token_hex(3)}"


def batch_date(batch_id: str) -> date:
    """Return the day on which a batch was claimed: a resumed batch is filed where its first attempt would have."""
    return datetime.strptime(batch_id.split("-")[0], _TIME).date()
