from pathlib import Path

import pytest

from exhaust.errors import DataError
from exhaust.extract.folder import read_extract
from exhaust.project.sources import SourceTable

USER = SourceTable("user", ("userid", "name", "framework"), ("userid",), ("userid",))


def test_a_record_that_was_not_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "user.csv").write_text("userid,name\n1,a\n\n2,b\n\n", "utf-8")
    (table,) = read_extract(tmp_path, [USER]).tables
    (file,) = table.files

    file.check(2)
    with pytest.raises(DataError, match=r"user\.csv: 1 of 2 records were read"):
        file.check(1)
