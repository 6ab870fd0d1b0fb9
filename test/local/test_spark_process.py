import subprocess
from pathlib import Path
from typing import Any

import pytest
import spark_process


def test_spark_does_not_ask_for_the_address_of_this_machines_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(subprocess, "Popen", lambda _, **options: given.update(options))
    monkeypatch.setenv("SPARK_LOCAL_IP", "192.0.2.1")
    spark_process.launch(tmp_path)
    assert given["env"].items() >= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}.items()
