import errno
import json
import os
import socket
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


def test_a_home_that_cannot_be_looked_at_fails_for_who_asks_for_it_and_for_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one on a network that is gone."""
    reason = os.strerror(errno.ENOTCONN)

    def look(tables: Path) -> dict[str, tuple[int, int]]:
        if tables == Path("/gone/tables"):
            raise OSError(errno.ENOTCONN, reason, str(tables))
        return {}

    served: list[Path] = []
    monkeypatch.setattr(spark_server, "tables_on_disk", look)
    monkeypatch.setattr(spark_server.spark_process, "launch", lambda _: None)
    monkeypatch.setattr(spark_server, "fingerprint", lambda: "")
    monkeypatch.setattr(spark_server.SparkServer, "_serve", lambda _, __, ___, tables: served.append(tables))

    def open_home(server: spark_server.SparkServer, tables: str) -> socket.socket:
        client, connection = socket.socketpair()
        client.settimeout(5)
        server._open(connection, {"tables": tables, "command": "track T1", "pid": 7, "idle_minutes": 20.0})
        return client

    with socket.socket(socket.AF_UNIX) as listener:
        server = spark_server.SparkServer(tmp_path, listener)
        with open_home(server, "/gone/tables") as client, client.makefile("rb") as lines:
            assert [json.loads(line) for line in lines] == [
                {"welcome": True},
                {"failed": f"/gone/tables cannot be read: {reason}"},
            ]
        open_home(server, "/here/tables").close()
        assert served == [Path("/here/tables")]
        assert not server._ends
        server._selector.close()
