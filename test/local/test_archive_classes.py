import shlex
import tempfile
from pathlib import Path
from unittest.mock import Mock

import archive_classes
import pytest


def test_java_unpacks_its_libraries_where_temporary_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left to itself it takes /tmp, which may not run programs, whatever people set in its place."""
    create = Mock()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(archive_classes, "CLASS_ARCHIVE", tmp_path / "classes.jsa")
    monkeypatch.setattr(archive_classes, "create_spark_session", create)
    monkeypatch.setattr(archive_classes, "try_everything", Mock())
    archive_classes.main()
    directory, options = create.call_args.args
    assert directory.parent == tmp_path
    assert f"-Djava.io.tmpdir={directory}" in shlex.split(options)
