"""Load again what a sender wrote to a file after it had been read.

A file is moved before it is read, and looked at once more when it has been read. Its sender may have it open all the
same, pause for longer than that, and write more: to the file in the archive, where nothing else would ever look.
"""

import errno
from dataclasses import replace
from datetime import datetime

from order_tracking.files.checkpoint import Checkpoint, ReplayedFile
from order_tracking.files.landing import ArrivedFile, look_at_or_say
from order_tracking.files.pool import map_in_pool
from order_tracking.files.replay_folder import ReplayFolder, being_replayed, readings_before
from order_tracking.files.volume import Volume
from order_tracking.tables.job_log import FileOutcome, State


def put_back_what_grew(volume: Volume, checkpoint: Checkpoint, now: datetime) -> tuple[list[str], list[str]]:
    """Put a copy of each file that was loaded of late and is not what it was into the landing directory.

    All that was loaded since the last run is looked at once, however long ago that was, and then no more after an hour,
    unless something of it is still to be loaded.

    Returns:
        What people should know, and what they must look at.
    """
    warnings, alarms = [], []
    batches = checkpoint.loaded()
    staged = [file for batch in batches for file in batch.files if file.state is State.STAGED]
    looked_at = map_in_pool(lambda file: look_at_or_say(volume.archive_of(file.batch_id), file.path), staged)
    grown: dict[tuple[str, str], ArrivedFile] = {}
    kept: set[str] = set()
    for file, seen in zip(staged, looked_at, strict=True):
        if isinstance(seen, str):
            alarms.append(f"whether {file.path} was written to after it had been loaded cannot be told: {seen}")
            kept.add(file.batch_id)
        elif seen and seen.size_bytes != file.size_bytes:
            grown[file.batch_id, file.path] = seen
    withdrawals = checkpoint.withdrawals(now) if grown else []
    leaving, withdrawn = (
        {(file.batch_id, file.path) for each in withdrawals if each.is_done == is_done for file in each.files}
        for is_done in (False, True)
    )
    # One that is on its way already waits until it is merged, and one that is being withdrawn leaves the archive.
    for batch_id, path in being_replayed(volume, checkpoint) | leaving if grown else ():
        for reading in ((batch_id, path), *readings_before(path)):
            if grown.pop(reading, None):
                kept.add(reading[0])
    for batch in batches:
        files: list[FileOutcome] = []
        for file in batch.files:
            found = grown.get((file.batch_id, file.path))
            if found:
                # It may have grown before; and a run may have died after it had put it back.
                newest = next(
                    (each for each in staged if (file.batch_id, file.path) in readings_before(each.path)), file
                )
                try:
                    if newest.size_bytes != found.size_bytes:
                        # What takes the place of a withdrawn reading is not loaded; what was written since never left.
                        supersedes = None if (newest.batch_id, newest.path) in withdrawn else newest
                        warnings.append(_put_back(volume, checkpoint, file, found, supersedes, now))
                    file = replace(file, size_bytes=found.size_bytes)
                except OSError as error:  # Of one file, which stops no other.
                    where = volume.relative(volume.archive_of(file.batch_id) / file.path)
                    # A path gets no shorter by itself.
                    first = ", and withdraw it before that" if error.errno == errno.ENAMETOOLONG else ""
                    alarms.append(
                        f"{file.path} was written to after it had been loaded, and cannot be put back "
                        f"({error.strerror or error}{first}), which each run tries; it is {where}"
                    )
                    kept.add(batch.batch_id)
            files.append(file)
        if tuple(files) != batch.files:
            checkpoint.note_loaded(replace(batch, files=tuple(files)))
    # What was read of their files since is what another reading of them supersedes.
    kept |= {file.batch_id for file in staged if any(batch_id in kept for batch_id, _ in readings_before(file.path))}
    checkpoint.forget_loaded([batch for batch in batches if batch.batch_id not in kept], now)
    return warnings, alarms


def _put_back(
    volume: Volume,
    checkpoint: Checkpoint,
    file: FileOutcome,
    found: ArrivedFile,
    supersedes: FileOutcome | None,
    now: datetime,
) -> str:
    folder = ReplayFolder(volume.probed(), checkpoint, now)
    path = folder.path_of(file.batch_id, file.path)
    folder.note([ReplayedFile(path, file.path, found.modified_at, may_be_bad=False, supersedes=supersedes)])
    folder.copy(volume.archive_of(file.batch_id) / file.path, path)
    though = "" if supersedes else "; what was read of it before was withdrawn: withdraw this too if it is not to count"
    return f"{file.path} was written to after it had been loaded; it is loaded again as {path}{though}"
