"""What a statement of SQL is about, known before it is run: whether it only reads, and which tables it may mean."""

import difflib
import re
from collections.abc import Collection
from typing import Any

from py4j.java_gateway import JavaObject, is_instance_of  # type: ignore[import-untyped]
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

_PLANS = "org.apache.spark.sql.catalyst.plans.logical"

#: Spark's names for statements that are commands and change nothing.
_READING_COMMANDS = ("Describe", "Explain", "Show")

#: A value or a comment, in which nothing is a name; or a name, in backticks or without.
_TOKEN = re.compile(
    r"""(?P<other>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|--[^\n]*|/\*.*?\*/|\d\w*)|(?P<name>`(?:[^`]|``)*`|[^\W\d]\w*)""",
    re.DOTALL,
)

#: What follows the name of a catalog: those of a schema and of a table.
_SCHEMA_AND_TABLE = re.compile(r"\s*\.\s*(?:`[^`]+`|\w+)\s*\.\s*(?:`[^`]+`|\w+)")

#: Spark's only catalog on a laptop.
_LOCAL_CATALOG = "spark_catalog"


def on_this_machine(query: str, catalogs: Collection[str]) -> str:
    """Let names with three parts, as a workspace has them, mean the tables that are here.

    Args:
        query: The statement.
        catalogs: What the catalog of these tables is called in a workspace.
    """

    def replace(token: re.Match[str]) -> str:
        is_catalog = token["name"] and token["name"].strip("`").lower() in catalogs
        return _LOCAL_CATALOG if is_catalog and _SCHEMA_AND_TABLE.match(query, token.end()) else token[0]

    return _TOKEN.sub(replace, query)


def change_of(spark: SparkSession, query: str) -> str | None:
    """Say in Spark's words what a statement does beside reading, such as "delete from table"; None if nothing.

    Raises:
        ParseException: If it is no statement.
    """
    changing = _changing(spark, spark._jsparkSession.sessionState().sqlParser().parsePlan(query))
    if changing is None:
        return None
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", changing.nodeName()).lower()
    return words.removesuffix(" command").removesuffix(" statement")


def _changing(spark: SparkSession, plan: JavaObject) -> JavaObject | None:
    """Find the part of a statement that is more than a question, wherever it stands, as in `WITH ... INSERT`."""
    name = plan.nodeName()
    if name.startswith(_READING_COMMANDS):
        return None
    gateway: Any = spark._sc._gateway
    # The third of them runs the text that it is given; with more than one statement it is not parsed as one of these.
    is_more = any(is_instance_of(gateway, plan, f"{_PLANS}.{kind}") for kind in ("Command", "ParsedStatement"))
    if is_more or name.startswith(("ExecuteImmediate", "Compound")):
        return plan
    children = plan.children()
    found = (_changing(spark, children.apply(i)) for i in range(children.size()))
    return next((each for each in found if each is not None), None)


def nearest_table(spark: SparkSession, error: AnalysisException) -> str | None:
    """Name the table or view that was probably meant where Spark knows none of a name; None for another error."""
    if error.getCondition() != "TABLE_OR_VIEW_NOT_FOUND":
        return None
    wanted = (error.getMessageParameters() or {})["relationName"].replace("`", "").split(".")[-1]
    known = {
        row.tableName: f"{schema.name}.{row.tableName}"
        for schema in spark.catalog.listDatabases()
        for row in spark.sql(f"SHOW TABLES IN `{schema.name}`").collect()
    }
    nearest = difflib.get_close_matches(wanted, known, n=1)
    return known[nearest[0]] if nearest else None
