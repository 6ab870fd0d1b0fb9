"""Find again what a damaged checkpoint, or one of an earlier version, tells of."""

from order_tracking.files.batch import is_batch_id
from order_tracking.files.checkpoint import Checkpoint, Claim
from order_tracking.files.landing import ArrivedFile, look_at_or_say
from order_tracking.files.volume import Volume, files_below


def recover(checkpoint: Checkpoint, volume: Volume, run_id: str) -> tuple[list[str], list[str]]:
    """Take over an earlier version's checkpoint, set damaged files aside, and claim again the files that they named.

    A batch has a directory of its own in the archive, so its files are found without the claim.

    Returns:
        What people should know, and what they must look at.
    """
    checkpoint.take_over(volume.path / "checkpoint")
    warnings, alarms = [], []
    for name, error in checkpoint.set_aside_unreadable().items():
        batch_id = name.removesuffix(".claimed.json").removesuffix(".staged.json")
        known = {batch.batch_id for batch in checkpoint.under_way()}
        if not is_batch_id(batch_id) or batch_id in known:
            # Nothing is lost. Where files cannot be renamed, a run that is killed while it writes leaves such a one.
            warnings.append(f"the checkpoint had a damaged file, which is in unreadable/ now: {error}")
            continue
        files, unreadable = _files_of(volume, batch_id)
        alarms += [
            f"{path} of a batch whose file in the checkpoint was damaged: {why}" for path, why in unreadable.items()
        ]
        if files:
            checkpoint.claim(Claim(batch_id, run_id, files))
            alarms.append(
                f"the checkpoint had a damaged file, which is in unreadable/ now; the {len(files)} files of its batch "
                f"were found in the archive and are loaded again: {error}"
            )
    checkpoint.forget_attempts()
    return warnings, alarms


def _files_of(volume: Volume, batch_id: str) -> tuple[tuple[ArrivedFile, ...], dict[str, str]]:
    """Find the files of a batch, and those that cannot be looked at, with the reason."""
    found: dict[str, ArrivedFile] = {}
    unreadable: dict[str, str] = {}
    for directory in (volume.archive_of(batch_id), volume.rejected_of(batch_id)):
        for path in files_below(directory):
            file = look_at_or_say(directory, path)
            if isinstance(file, str):
                unreadable[volume.relative(directory / path)] = file
            elif file and path not in found:
                found[path] = file
    return tuple(found.values()), unreadable
