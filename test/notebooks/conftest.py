from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from connect_server import ConnectServer
from pipeline import Pipeline
from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectServer]:
    with ConnectServer(tmp_path_factory.mktemp("tables")) as server:
        yield server


@pytest.fixture(scope="session")
def spark(server: ConnectServer) -> SparkSession:
    """Through Spark Connect, as in the workspace: it can do less than Spark in the process, which the laptop has."""
    return SparkSession.builder.remote(server.url).getOrCreate()


@pytest.fixture
def pipeline(spark: SparkSession, tmp_path: Path) -> Pipeline:
    return Pipeline(spark, f"test_{uuid4().hex[:8]}", tmp_path / "volume")
