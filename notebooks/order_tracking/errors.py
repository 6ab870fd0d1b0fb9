"""What the pipeline itself has to say when something goes wrong: one family of errors."""


class OrderTrackingError(Exception):
    """An error of the pipeline; its message says what is wrong, and what to do."""


class ParameterError(OrderTrackingError):
    """A parameter of a job has a value that cannot be used."""


class ContractError(OrderTrackingError):
    """The contract contradicts itself, the pipeline's own names, or the tables that are there."""


class UnreadableFileError(OrderTrackingError):
    """A file that cannot be loaded; the message says why, and what its sender has to change."""


class CheckpointError(OrderTrackingError):
    """A file of the checkpoint that is not what the pipeline writes."""


class VolumeError(OrderTrackingError):
    """A volume does not keep what is written to it."""


class LoadError(OrderTrackingError):
    """Batches that were not loaded to their end; they are loaded again."""


class TakenOverError(LoadError):
    """A batch that another run goes on with, or has ended, since it took this run for dead."""


class MergeError(OrderTrackingError):
    """Batches that were not merged; they stay staged."""


class RemovalError(OrderTrackingError):
    """Something cannot be withdrawn or erased; the message says whether anything was begun, and who goes on with it."""


class ReplayError(OrderTrackingError):
    """Files that could not be put back into the landing directory; the others were."""


class UpkeepError(OrderTrackingError):
    """Tables whose upkeep did not come to its end; the next one does what is left."""


class QualityGateError(OrderTrackingError):
    """A run that people must look at. What is good of its data has landed all the same."""
