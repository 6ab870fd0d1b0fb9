import os
from pathlib import Path
from typing import Any

import pytest
import spark_server


def test_a_server_tells_of_its_folder_before_it_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the next one can remove it, whenever this one is killed."""
    made: list[tuple[Path, Any]] = []
    monkeypatch.setattr(spark_server, "ADDRESS", tmp_path / "spark.json")
    monkeypatch.setattr(spark_server, "_become_the_only_one", lambda: object())
    monkeypatch.setattr(spark_server, "_serve_in", lambda _: None)
    monkeypatch.setattr(os, "umask", lambda _: 0)  # Of the process, which other tests have as well.
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(Path, "mkdir", lambda folder: made.append((folder, spark_server._read_address())))
    spark_server.main()
    [(folder, address)] = made
    assert address == {"pid": os.getpid(), "socket": str(folder / "socket")}
