"""Fetch the Delta Lake jars that fit the installed `delta-spark` into a folder, through Spark's own resolver.

Usage: python local/fetch_jars.py DIRECTORY
"""

import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from pyspark.sql import SparkSession


def main() -> None:
    """Start Spark once with Delta as a package: it resolves and verifies the jars; keep them."""
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as ivy:
        SparkSession.builder.config(
            map={
                "spark.master": "local[1]",
                "spark.ui.enabled": "false",
                "spark.jars.packages": f"io.delta:delta-spark_2.13:{version('delta-spark')}",
                "spark.jars.ivy": ivy,
            }
        ).getOrCreate().stop()
        for jar in (Path(ivy) / "jars").glob("*.jar"):
            shutil.copy(jar, target)


if __name__ == "__main__":
    main()
