"""The parameters of the job, as its notebooks get them."""

from collections.abc import Callable


def read_parameters(read: Callable[[str], str], *names: str) -> dict[str, str]:
    """Read the named parameters, each of which must have a value.

    Raises:
        ValueError: If some have none.
    """
    values = {name: read(name).strip() for name in names}
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise ValueError(f"no value for {', '.join(missing)}; run the job, or fill in the widgets at the top")
    return values
