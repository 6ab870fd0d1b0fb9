import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import astuple
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from connect_server import ConnectAddress, ConnectServer
from pipeline import Pipeline
from pyspark.sql import SparkSession

#: The one server of a run in several processes, which need not each have a Spark that gets warm.
_SHARED_SERVER = "shared_server"


class SharedServer:
    """Starts a server where pytest-xdist starts its first process, and tells each of them where it is."""

    def __init__(self) -> None:
        self._opened = ExitStack()
        self._address: ConnectAddress | None = None

    def pytest_configure_node(self, node: Any) -> None:
        if self._address is None:
            directory = self._opened.enter_context(tempfile.TemporaryDirectory())
            self._address = self._opened.enter_context(ConnectServer(Path(directory) / "tables"))
        node.workerinput[_SHARED_SERVER] = astuple(self._address)

    def pytest_unconfigure(self) -> None:
        self._opened.close()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None):
        config.pluginmanager.register(SharedServer())


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectAddress]:
    shared = getattr(request.config, "workerinput", {}).get(_SHARED_SERVER)
    if shared:
        yield ConnectAddress(*shared)
        return
    with ConnectServer(tmp_path_factory.mktemp("tables")) as address:
        yield address


@pytest.fixture(scope="session")
def spark(server: ConnectAddress) -> SparkSession:
    """Through Spark Connect, as in the workspace: it can do less than Spark in the process, which the laptop has."""
    return SparkSession.builder.remote(server.url()).getOrCreate()


@pytest.fixture
def pipeline(spark: SparkSession, tmp_path: Path) -> Pipeline:
    return Pipeline(spark, f"test_{uuid4().hex[:8]}", tmp_path / "volume")
