"""The rows of order files as Spark reads them: matched to the contract by the names in each file's header."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from itertools import groupby
from typing import Any

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from order_tracking.contract.contract import Column, Contract, column_name
from order_tracking.contract.rules import breaks, broken_rules, clean, parse, typed
from order_tracking.files.claimed_files import TakenFile
from order_tracking.files.inspection import DEFAULT_MAX_VALUES, NO_CHARACTER, PATTERN_CHARACTERS, Content
from order_tracking.sql import identifier, literal

_UNSPLIT = "_unsplit"
#: Each scan takes its time, and looks each row up among its files one by one: so many small ones, or so few large ones.
_MAX_FILES_OF_A_SCAN, _MAX_LOOKUPS_OF_A_SCAN = 1_000, 20_000_000
#: So many tasks may always be used to read a batch, and one more for so many bytes.
_MIN_TASKS, _BYTES_OF_A_TASK = 4, 32 << 20
#: Nothing but a day and a time, in whatever order and with whatever separator: the time of a row may be a bad one.
_DAY = (
    "([0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[-./][0-9]{1,2}[-./]([0-9]{2}){1,2})"
    r"([ T][-+:.0-9 Zz]*([AaPp][Mm]|UTC|GMT)?(\[[A-Za-z_/]+\])?)?"
)
#: What Spark calls it if a pattern of values, or of times, is none.
_OF_PATTERNS = (
    "INVALID_PARAMETER_VALUE.PATTERN",
    "INVALID_PARAMETER_VALUE.REGEX_GROUP_INDEX",
    "INVALID_DATETIME_PATTERN",
    "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_",
)
#: Spark counts rows from 0 in each of its tasks, in these bits of a number.
NUMBER_IN_TASK = (1 << 33) - 1


@dataclass(frozen=True)
class ReadableFile(TakenFile):
    """A file of a batch that can be loaded.

    Attributes:
        sent_as: The path that it arrived with, at first if it is loaded again.
        last_may_be_cut: Whether its last row is taken for a cut one if no line end follows it.
    """

    content: Content
    sent_as: str
    last_may_be_cut: bool = False

    @property
    def sent(self) -> str:
        """What orders files in time: when they were sent, then by their names."""
        return f"{self.file.modified_at:%Y-%m-%dT%H:%M:%S.%fZ} {self.sent_as}"

    @property
    def cut(self) -> int | None:
        """The number of a row that is bad since it may be cut."""
        return self.content.last if self.last_may_be_cut else None

    @property
    def needs_numbers(self) -> bool:
        """Whether single records of it must be told from the others by their numbers."""
        return self.content.skipped > 0 or self.cut is not None


def read_order_rows(
    spark: SparkSession,
    contract: Contract,
    files: Sequence[ReadableFile],
    arrived_at: datetime,
    added_columns: tuple[str, ...] = (),
    numbered: bool = False,
) -> DataFrame:
    """Read every row of the files, good or bad, blank lines left out.

    Args:
        spark: The session.
        contract: The contract.
        files: The files.
        arrived_at: When they were found.
        added_columns: The columns to read beside the contract's.
        numbered: Whether to number the rows of each file, for which one task must read it all.

    Returns:
        The contract's columns and the added ones as cleaned text, the contract's in their types as well,
        `_source_file`, `_sent`, `reasons` (what the row broke, empty if nothing), `raw_row` (of a bad row: it as JSON
        by the file's own names, or its text where it could not be split), `_row_id` (in the order of the rows of a
        file; its last bits, `NUMBER_IN_TASK`, count those of a task), `_part_at` (the byte of the file where the task
        began to read it) and, if asked for, `_row_number` (from 1).
    """
    rows = _all_of(
        [
            _read_files_of_one_shape(spark, contract, scan, arrived_at, added_columns, numbered)
            for scan in _scans(files, added_columns)
        ]
    )
    # Spark takes each file for one of 4 MiB at least: small ones would be read, and written, by many tasks.
    size = sum(each.found.size_bytes for each in files)
    return rows.coalesce(_MIN_TASKS + size // _BYTES_OF_A_TASK) if len(files) > 1 else rows


def check_rules(spark: SparkSession, contract: Contract) -> None:
    """Hold no row, and then a row of zeros, to the contract's rules.

    What fails for no row is wrong by itself, such as a bound that is no day. Patterns and formats are only looked at
    where there is a value; that a rule fails for zeros says nothing else against it: it may be one for other values.

    Raises:
        Exception: If Spark does not understand them: then no file is to blame for what could not be loaded.
    """

    def rows_of(ids: DataFrame) -> DataFrame:
        values = ids.selectExpr(*(f"CAST(id AS STRING) AS {identifier(name)}" for name in contract.names))
        return values.selectExpr("*", *_in_types(contract))

    row = rows_of(spark.range(0, 1, 1, 1))
    no_row = rows_of(spark.range(0, 1, 1, 1).where("id < 0"))  # Spark does not know that before it looks.
    without_rules = replace(contract, rules=())
    of_types = broken_rules(without_rules, "CAST(NULL AS string)", datetime.now(timezone.utc), is_plain=False)
    # One by one: what fails for zeros would hide what comes after it.
    for condition in (of_types, *(breaks(contract, rule) for rule in contract.rules)):
        no_row.selectExpr(condition).collect()
        try:
            row.selectExpr(condition).collect()
        except PySparkException as error:
            if _is_of_contract(error):
                raise


def _is_of_contract(error: PySparkException) -> bool:
    """Tell whether Spark does not understand a condition; what is wrong with a value has another name of Spark's."""
    # Clients of Spark Connect before Spark 4, which serverless compute may have, know it by its old name only.
    name = getattr(error, "getCondition", error.getErrorClass)()
    if not name:  # Such clients give errors in values none, but it is the first word of their text.
        told = re.match(r"(?:\([\w.$]+\) )?\[([A-Z][A-Z0-9_.]+)\] ", str(error))
        name = told[1] if told else None
    # An error of Java itself, which reads the patterns, has none.
    return isinstance(error, AnalysisException) or not name or name.startswith(_OF_PATTERNS)


def _in_types(contract: Contract) -> Iterator[str]:
    return (f"{parse(column)} AS {typed(column)}" for column in contract.columns if column.type != "string")


def _all_of(scans: Sequence[DataFrame]) -> DataFrame:
    """Put scans together in halves: Spark looks through all that is together already each time that one is added."""
    if len(scans) == 1:
        return scans[0]
    half = len(scans) // 2
    return _all_of(scans[:half]).unionByName(_all_of(scans[half:]))


def _scans(files: Sequence[ReadableFile], added_columns: Collection[str]) -> Iterator[list[ReadableFile]]:
    def column(name: str, known: str | None) -> str:
        if known:
            return known
        made = column_name(name)
        return made if made in added_columns else ""

    def shape(each: ReadableFile) -> tuple[Any, ...]:
        content, names = each.content, each.content.header.names
        # Where the columns are, however the header spells them: each scan takes its time, and senders are many.
        columns = list(map(column, names, content.header.columns))
        alone = each.file.path if each.needs_numbers or content.max_values > DEFAULT_MAX_VALUES else ""
        repeated = names if len(set(names)) < len(names) else ()
        quotes = content.well_quoted, content.spans_lines
        return each.directory, columns, repeated, quotes, content.is_plain, content.is_composed, alone

    for _, group in groupby(sorted(files, key=shape), key=shape):
        scan: list[ReadableFile] = []
        rows = 0
        for each in group:
            rows += each.content.records
            if scan and (len(scan) == _MAX_FILES_OF_A_SCAN or rows * (len(scan) + 1) > _MAX_LOOKUPS_OF_A_SCAN):
                yield scan
                scan, rows = [], each.content.records
            scan.append(each)
        yield scan


def _read_files_of_one_shape(
    spark: SparkSession,
    contract: Contract,
    files: Sequence[ReadableFile],
    arrived_at: datetime,
    added_columns: tuple[str, ...],
    numbered: bool,
) -> DataFrame:
    content = files[0].content
    # Positions instead of names, which a file may repeat or leave empty. The unsplit row makes Spark check each row's
    # number of values, which it would otherwise cut or fill up.
    positions = [f"_{i}" for i in range(len(content.header.names))]
    is_whole = numbered or not is_divisible(files)
    raw = (
        spark.read.schema(", ".join(f"{name} STRING" for name in [*positions, _UNSPLIT]))
        .options(header=not files[0].needs_numbers, multiLine=is_whole, lineSep="\n", escape='"')
        .options(mode="PERMISSIVE", columnNameOfCorruptRecord=_UNSPLIT, maxColumns=content.max_values)
        # Without it, the reader takes a NUL in a value for an escape, and leaves it out.
        .options(charToEscapeQuoteEscaping=NO_CHARACTER)
        .csv([_escaped(each) for each in files])
    )
    part_at = "CAST(0 AS BIGINT)" if is_whole else "_metadata.file_block_start"
    raw = raw.selectExpr("*", f"{_source_file(files)} AS _source_file", f"{part_at} AS _part_at", *_numbers(files[0]))
    if files[0].needs_numbers:
        raw = raw.where(f"_number > {content.skipped}")
    if not content.is_composed:
        compose = F.udf(_composed())
        raw = raw.withColumns({name: compose(name) for name in positions})
    values = raw.where(f"{_UNSPLIT} IS NULL OR btrim({_UNSPLIT}, ' \\t\\u000C\\r\\n') <> ''").selectExpr(
        *(f"{_value_of(column, content)} AS {identifier(column.name)}" for column in contract.columns),
        *(f"{_added_value_of(name, content)} AS {identifier(name)}" for name in added_columns),
        f"{_malformed(files[0], contract)} AS _malformed",
        "_source_file",
        "_part_at",
        f"{_sent(files)} AS _sent",
        *positions,
        _UNSPLIT,
    )
    is_plain = content.is_plain and not content.spans_lines
    reasons = broken_rules(contract, "_malformed", arrived_at, is_plain, added_columns)
    rows = values.selectExpr("*", *_in_types(contract)).selectExpr(
        "* EXCEPT (_malformed)",
        f"{reasons} AS reasons",
        # Here and not before: what is asked of the reasons later would be asked before this, and work them out twice.
        "monotonically_increasing_id() AS _row_id",
    )
    rows = rows.selectExpr(
        f"* EXCEPT ({', '.join([*positions, _UNSPLIT])})",
        # Of good rows nobody asks it, and to write it takes longer than all the rest.
        f"if(size(reasons) > 0, coalesce({_UNSPLIT}, {_as_json(files)}), NULL) AS raw_row",
    )
    return _with_numbers(rows, contract, len(files)) if numbered else rows


def is_divisible(files: Sequence[ReadableFile]) -> bool:
    """Tell whether several tasks may read a file: each of its lines is a row, and Spark takes no other for blank.

    Several files are read at once in any case, each by one task, which can tell where its rows begin.
    """
    content = files[0].content
    lines = content.is_plain and content.well_quoted and not content.spans_lines
    return lines and len(files) == 1 and not files[0].needs_numbers


def _with_numbers(rows: DataFrame, contract: Contract, files: int) -> DataFrame:
    """Number the rows of each file, which one task has read."""
    if files == 1:
        return rows.withColumn("_row_number", F.expr("_row_id + 1"))
    # To find the first of each file takes a second look at its lines, but not at their values: the key is there since
    # Spark reads no file for nothing but the lines that it could not split.
    first = rows.groupBy("_source_file").agg(
        F.expr(f"min(struct(_row_id, {identifier(contract.key)}))._row_id").alias("_first_row_id")
    )
    numbered = rows.join(F.broadcast(first), "_source_file")
    return numbered.withColumn("_row_number", F.expr("_row_id - _first_row_id + 1")).drop("_first_row_id")


def _numbers(file: ReadableFile) -> list[str]:
    # Alone in its scan, it is one task's, which numbers its records from 0.
    return [f"monotonically_increasing_id() & {NUMBER_IN_TASK} AS _number"] if file.needs_numbers else []


def _value_of(column: Column, content: Content) -> str:
    position = content.header.position_of(column.name)
    return "CAST(NULL AS string)" if position is None else clean(f"_{position}", content.is_plain, column.case)


def _added_value_of(name: str, content: Content) -> str:
    header = enumerate(zip(content.header.names, content.header.columns, strict=True))
    position = next((i for i, (each, known) in header if not known and column_name(each) == name), None)
    return "CAST(NULL AS string)" if position is None else clean(f"_{position}", content.is_plain)


def _malformed(file: ReadableFile, contract: Contract) -> str:
    count = len(file.content.header.names)
    # Where there are no quotes, the commas tell how many there are.
    not_split = f"""if(contains({_UNSPLIT}, '"'), 'the row does not have the {count} values of the header',
        concat('the row has ', size(split({_UNSPLIT}, ',')), ' value(s) where the header has {count}'))"""
    cases = f"WHEN {_UNSPLIT} IS NOT NULL THEN {not_split}"
    if not file.content.well_quoted:
        spans_lines = " OR ".join(rf"contains(btrim(_{i}, ' \t\r\n'), '\n')" for i in range(count))
        cases += f" WHEN {spans_lines} THEN 'a quote is not closed: this row may have swallowed the rows after it'"
    elif file.content.spans_lines:
        holds_rows = _holds_rows(file.content, contract)
        cases += f" WHEN {holds_rows} THEN 'a value in quotes reads like rows: this row may have swallowed them'"
    if file.cut is not None:
        cases += f" WHEN _number = {file.cut} THEN 'no line end follows this row, the last one: it may be cut'"
    return f"CASE {cases} END"


def _holds_rows(content: Content, contract: Contract) -> str:
    """Tell whether a value in quotes is the end of a row, whatever follows it, and the begin of another one.

    Two stray quotes in one column, rows apart, are well-formed CSV, and make one row of the first one and the last one.
    The column that both quotes are in may have commas of its own, so the others are counted from the end of the first
    line, and from the begin of the last one. Together these two have the values of a row; so may each line between
    them have. An address with line breaks may have as many commas, but no time where the header has it.
    """
    count = len(content.header.names)
    values = [f"_{i}" for i in range(count)]
    spans_lines = " OR ".join(rf"contains({value}, '\n')" for value in values)
    # Once for all columns: where they are many, Spark would take long to understand as much for each of them.
    of_columns = rf"""transform(array({", ".join(values)}), (text, place) -> named_struct('place', place,
        'first', split(substring_index(text, '\n', 1), ','), 'last', split(substring_index(text, '\n', -1), ','),
        'lines', split(text, '\n')))"""
    end = f"slice(each.first, each.place - {count}, {count} - each.place)"
    begin = "if(size(each.last) > each.place, slice(each.last, 1, each.place), array())"
    candidates = f"concat(array(array_join(concat({begin}, {end}), ',')), slice(each.lines, 2, size(each.lines) - 2))"
    is_row = f"exists(array(split(line, ',')), row -> size(row) = {count} AND {_reads_like_row(content, contract)})"
    return f"""(({spans_lines}) AND exists({of_columns}, each -> size(each.lines) > 1
        AND exists({candidates}, line -> {is_row})))"""


def _reads_like_row(content: Content, contract: Contract) -> str:
    """Tell whether there is a time in its place among the values of `row`, and a key written as the record's own is."""
    column, key = contract.column(contract.sequence), contract.column(contract.key)
    key_at, at = content.header.position_of(key.name), content.header.position_of(column.name)
    value, own = clean(f"get(row, {key_at})", content.is_plain), clean(f"_{key_at}", content.is_plain)
    # What is written between commas in a text often begins with words, where most keys have no blanks.
    is_one_word = f"{value} NOT LIKE '% %'"
    if at is not None and column.required:
        is_one_word = f"coalesce({is_one_word}, true)"  # The time tells a row whose key is missing.
    is_key = f"(each.place = {key_at} OR {is_one_word} OR {own} LIKE '% %')"
    if at is None:
        return is_key
    name = identifier(column.name)
    is_time = f"{parse(column)} IS NOT NULL AND {name} RLIKE '[0-9]'"
    if column.type in ("date", "timestamp"):
        is_time += f" OR {name} RLIKE {literal(f'^{_DAY}$')}"
    if not column.required:
        is_time += f" OR {name} IS NULL"
    return f"exists(array({clean(f'get(row, {at})', content.is_plain)}), {name} -> {is_time}) AND {is_key}"


def _sent(files: Sequence[ReadableFile]) -> str:
    return _by_file({each.file.path: literal(each.sent) for each in files})


def _as_json(files: Sequence[ReadableFile]) -> str:
    """Write a row as an object by the names in its file's header, in their order."""
    spelled = {each.file.path: each.content.header.names for each in files}
    [*others, names] = spelled.values()
    if all(other == names for other in others):  # Repeated ones, too: a map takes each name once.
        row = f"named_struct({', '.join(f'{literal(name)}, _{i}' for i, name in enumerate(names))})"
    else:
        arrays = {path: f"array({', '.join(map(literal, each))})" for path, each in spelled.items()}
        row = f"map_from_arrays({_by_file(arrays)}, array({', '.join(f'_{i}' for i in range(len(names)))}))"
    return f"to_json({row}, map('ignoreNullFields', 'false'))"


def _by_file(values: Mapping[str, str]) -> str:
    """Choose of values, which are SQL, the one of the row's file."""
    if len(values) == 1:
        return next(iter(values.values()))
    return f"element_at(map({', '.join(f'{literal(path)}, {value}' for path, value in values.items())}), _source_file)"


def _source_file(files: Sequence[ReadableFile]) -> str:
    return literal(files[0].file.path) if len(files) == 1 else path_in(str(files[0].directory))


def path_in(directory: str) -> str:
    """Tell, as SQL, the path of a row's file in a directory."""
    # Spark gives a URL, in which a plus sign is a plus sign.
    path = "url_decode(replace(_metadata.file_path, '+', '%2B'))"
    return f"substring_index({path}, {literal(f'{directory}/')}, -1)"


def _escaped(file: ReadableFile) -> str:
    """Take the meaning from the characters that Spark would read as a pattern."""
    return re.sub(PATTERN_CHARACTERS, r"\\\1", str(file.location))


def _composed() -> Any:
    """Return a function that writes a text in Unicode's composed form; Spark has none of its own."""

    # Within a function, so that it is sent as it is: where it runs, nobody has this package.
    def compose(text: str | None) -> str | None:
        import unicodedata

        return None if text is None else unicodedata.normalize("NFC", text)

    return compose
