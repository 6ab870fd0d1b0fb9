from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from pipeline import Pipeline
from pyspark.sql import SparkSession
from spark_session import create_spark_session


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    session = create_spark_session(tmp_path_factory.mktemp("tables"))
    yield session
    session.stop()


@pytest.fixture
def pipeline(spark: SparkSession, tmp_path: Path) -> Pipeline:
    return Pipeline(spark, f"test_{uuid4().hex[:8]}", tmp_path / "volume")
