"""Spark as each command had one before it stayed warm: launched, told of every table, and gone with the command.

Usage: python bench/own_kernel.py TABLES_DIRECTORY

Requests and answers are those of `local/kernel.py`, in lines of standard input and output.
"""

import json
import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

sys.path.append(str(Path(__file__).resolve().parent.parent / "local"))

from kernel import answer
from spark_session import SETTINGS, register_tables


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    tables = Path(sys.argv[1])
    jars = sorted((Path(sys.prefix) / "jars").glob("*.jar"))
    settings = {name: value for name, value in SETTINGS.items() if name != "spark.driver.extraClassPath"}
    builder = SparkSession.builder.config("spark.jars", ",".join(map(str, jars)))
    for name, value in {**settings, "spark.sql.warehouse.dir": str(tables)}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    register_tables(spark, tables)
    for line in sys.stdin:
        print(json.dumps(answer(spark, tables, json.loads(line)), default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
