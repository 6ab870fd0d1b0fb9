"""Find again what a damaged checkpoint, or one of an earlier version, tells of."""

from order_tracking.files.batch import is_batch_id, larger_batches
from order_tracking.files.checkpoint import Checkpoint, Claim
from order_tracking.files.landing import ArrivedFile, look_at_or_say
from order_tracking.files.volume import Volume, files_below


def recover(checkpoint: Checkpoint, volume: Volume, run_id: str) -> tuple[list[str], list[str]]:
    """Take over an earlier version's checkpoint, set damaged files aside, and claim again the files that they named.

    A batch has a directory of its own in the archive, so its files are found without the claim. A damaged file stays
    until that is done: the next run does what this one does not come to.

    Returns:
        What people should know, and what they must look at.
    """
    checkpoint.take_over(volume.path / "checkpoint")
    warnings, alarms = [], []
    for damaged, error in checkpoint.set_aside_unreadable().items():
        batch_id = damaged.name.removesuffix(".claimed.json").removesuffix(".staged.json")
        files: tuple[ArrivedFile, ...] = ()
        # Where it is known, nothing is lost. Where files cannot be renamed, a run that is killed while it writes leaves
        # such a one.
        if is_batch_id(batch_id) and not checkpoint.knows(batch_id):
            files, unreadable = _files_of(volume, checkpoint, batch_id)
            alarms += [
                f"{path} of a batch whose file in the checkpoint was damaged: {why}" for path, why in unreadable.items()
            ]
        if files:
            checkpoint.claim(Claim(batch_id, run_id, files))
            alarms.append(
                f"the checkpoint had a damaged file, which is in unreadable/ now; the {len(files)} files of its batch "
                f"were found in the archive and are loaded again: {error}"
            )
        else:
            warnings.append(f"the checkpoint had a damaged file, which is in unreadable/ now: {error}")
        checkpoint.remove_damaged(damaged)
    checkpoint.forget_attempts()
    return warnings, alarms


def _files_of(volume: Volume, checkpoint: Checkpoint, batch_id: str) -> tuple[tuple[ArrivedFile, ...], dict[str, str]]:
    """Find the files of a batch, and those that cannot be looked at, with the reason.

    Until a half of a batch is loaded, its files may be in the directory of the whole, beside those of the other half;
    where a move is a copy, a copy of what the other half has loaded may be left there as well.
    """
    batch_ids = [batch_id, *larger_batches(batch_id)]
    of_others = {
        file.path
        for batch in (*checkpoint.under_way(), *checkpoint.loaded())
        if batch_ids[-1] in (batch.batch_id, *larger_batches(batch.batch_id))
        for file in batch.files
    }
    found: dict[str, ArrivedFile] = {}
    unreadable: dict[str, str] = {}
    for each in batch_ids:
        for directory in (volume.archive_of(each), volume.rejected_of(each)):
            for path in files_below(directory):
                if path in of_others:
                    continue
                file = look_at_or_say(directory, path)
                if isinstance(file, str):
                    unreadable[volume.relative(directory / path)] = file
                elif file and path not in found:
                    found[path] = file
    return tuple(found.values()), unreadable
