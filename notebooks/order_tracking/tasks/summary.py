"""What a task did: a few lines for people, and JSON for machines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from order_tracking.typed_json import to_json

#: So many names are listed where a line has to do.
_NAMED = 5


class Summary:
    """What a task, a data class, hands to its notebook: `str` is for people."""

    def to_json(self) -> str:
        """Return the summary for machines."""
        return to_json(self)


@dataclass(frozen=True)
class FileSummary:
    """What became of one file.

    Attributes:
        path: Its path below the landing directory.
        outcome: `staged`, `rejected`, `dropped` (it changed, vanished or cannot be taken), `deferred` (a later run
            decides) or `left alone`.
        batch_id: The batch that took it; None if it was deferred.
        destination: Where it is now, from the volume on; None if it was not moved.
        reason: Why it was not loaded, or not moved.
        unknown_columns: Columns of its header that the contract does not know.
    """

    path: str
    outcome: str
    batch_id: str | None = None
    destination: str | None = None
    reason: str | None = None
    unknown_columns: tuple[str, ...] = ()
    rows_read: int | None = None
    rows_staged: int | None = None
    rows_quarantined: int | None = None


@dataclass(frozen=True)
class SourceToStageSummary(Summary):
    """What `source_to_stage` did.

    Attributes:
        batch_ids: The batches that were claimed; none if nothing had arrived.
        resumed_batch_ids: Batches of earlier runs, which were finished after what is new.
        warnings: What was loaded all the same, but should be looked at.
    """

    batch_ids: tuple[str, ...]
    resumed_batch_ids: tuple[str, ...]
    files: tuple[FileSummary, ...]
    warnings: tuple[str, ...]
    rows_read: int
    rows_staged: int
    rows_quarantined: int

    def __str__(self) -> str:
        """Return the summary for people."""
        return "\n".join(map(shown, self._lines()))

    def _lines(self) -> Iterator[str]:
        if self.files:
            yield (
                f"Read {self.rows_read} rows from {sum(file.rows_read is not None for file in self.files)} files: "
                f"{self.rows_staged} staged, {self.rows_quarantined} quarantined."
            )
        else:
            yield "Nothing has arrived."
        for batch_id in self.resumed_batch_ids:
            yield f"Finished batch {batch_id}, which an earlier run had left."
        for warning in self.warnings:
            yield f"Warning: {warning}."
        for file in self.files:
            yield _line_of(file)


@dataclass(frozen=True)
class StageToFinalSummary(Summary):
    """What `stage_to_final` did.

    Attributes:
        batches: The batches that were merged.
        rows_taken: Rows that were staged in them. Each is one of the following.
        inserted: It brought a new order.
        updated: It brought a newer state of an order.
        outdated: It says otherwise than the order's state, which was there already or came with it.
        unchanged: It says what was there already, or came with it.
    """

    batches: tuple[str, ...] = ()
    rows_taken: int = 0
    inserted: int = 0
    updated: int = 0
    outdated: int = 0
    unchanged: int = 0

    def __str__(self) -> str:
        """Return the summary for people."""
        if not self.batches:
            return "Nothing is staged."
        return (
            f"Merged {self.rows_taken} rows of batch {', '.join(self.batches)}: {self.inserted} orders inserted, "
            f"{self.updated} updated, {self.outdated} outdated, {self.unchanged} unchanged."
        )


@dataclass(frozen=True)
class QualityGateSummary(Summary):
    """What `quality_gate` counted in a run of the job."""

    files_rejected: int = 0
    rows_read: int = 0
    rows_quarantined: int = 0

    def __str__(self) -> str:
        """Return the summary for people."""
        return (
            f"Good enough: {self.rows_quarantined} of {self.rows_read} rows quarantined, "
            f"{self.files_rejected} files rejected."
        )


def shown(text: str) -> str:
    """Write out what a terminal would obey, or cannot print: control characters, and bytes that are no UTF-8."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def named(names: Sequence[str]) -> str:
    """List names, but no more than a line has room for."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _line_of(file: FileSummary) -> str:
    parts = [f"  {file.path}: {file.outcome}"]
    if file.rows_read is not None:
        parts.append(f"{file.rows_read} rows, {file.rows_quarantined} quarantined")
    if file.reason:
        parts.append(file.reason)
    if file.unknown_columns:
        parts.append(f"unknown columns {named(file.unknown_columns)}")
    return ", ".join(parts) + (f" -> {file.destination}" if file.destination else "")
