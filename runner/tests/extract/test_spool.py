import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import duckdb
import pytest

from exhaust.errors import ExhaustError
from exhaust.extract import spool as module
from exhaust.extract.spool import Spool, spooled


def spool_of(data: bytes) -> Spool:
    return spooled(lambda file: shutil.copyfileobj(BytesIO(data), file))


@pytest.fixture(params=[True, False], ids=["linux", "elsewhere"])
def temporary(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Returns the temporary folder, with and without /proc/self/fd."""
    if not request.param:
        monkeypatch.setattr(module, "DESCRIPTORS", tmp_path / "none")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_duckdb_reads_csv_in_parallel_and_sequentially(temporary: Path) -> None:
    spool = spool_of(b"id,name\n" + b"1,abc\n" * 1_000_000)

    for parallel in ("true", "false"):
        found = duckdb.execute(
            f"select count(*), sum(id::int), min(name) from read_csv('{spool.path}', "
            f"header = true, delim = ',', auto_detect = false, parallel = {parallel}, "
            f"buffer_size = {1 << 20}, max_line_size = 1000, "
            "columns = {'id': 'varchar', 'name': 'varchar'})"
        ).fetchall()
        assert found == [(1_000_000, 1_000_000, "abc")]


def test_duckdb_reads_json_and_parquet(temporary: Path, tmp_path: Path) -> None:
    duckdb.sql(f"copy (select range as id from range(300000)) to '{tmp_path}/x.parquet'")
    parquet = spool_of((tmp_path / "x.parquet").read_bytes())
    lines = spool_of(b'{"id":1}\n' * 300_000)

    for reader in (f"read_parquet('{parquet.path}')", f"read_json('{lines.path}')"):
        assert duckdb.execute(f"select count(id) from {reader}").fetchall() == [(300_000,)]


def test_the_file_is_deleted_with_its_object(temporary: Path) -> None:
    spool = spool_of(b"x")
    path = Path(spool.path)
    assert path.read_bytes() == b"x"

    del spool

    assert not path.exists()
    assert not any(temporary.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux the file has no name")
def test_a_killed_process_leaves_no_file(tmp_path: Path) -> None:
    program = (
        "import os, signal; from exhaust.extract.spool import spooled\n"
        "spool = spooled(lambda file: file.write(b'x' * 9999999))\n"
        "assert os.path.getsize(spool.path) == 9999999\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False
    )

    assert done.returncode == -9
    assert not any(tmp_path.iterdir())


def test_a_worker_process_can_read_the_file(temporary: Path) -> None:
    spool = spool_of(b"x")

    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(contents, spool).result() == b"x"

    assert contents(spool) == b"x"


def contents(spool: Spool) -> bytes:
    return Path(spool.path).read_bytes()


def full_disk(**options: object) -> BinaryIO:
    return Path("/dev/full").open("wb", buffering=0)


def no_folder(**options: object) -> BinaryIO:
    raise FileNotFoundError(2, "No usable temporary directory found")


@pytest.mark.parametrize(
    ("make", "reason"), [(full_disk, "No space left"), (no_folder, "No usable temporary dir")]
)
@pytest.mark.parametrize("size", [1, 9_999_999])
def test_a_full_disk_is_not_blamed_on_the_extract(
    monkeypatch: pytest.MonkeyPatch, make: Callable[..., BinaryIO], reason: str, size: int
) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", make)

    with pytest.raises(ExhaustError, match=f"Cannot write a temporary file: {reason}") as raised:
        spool_of(b"x" * size)

    assert raised.value.exit_code == 1
    assert raised.value.hint
    assert "TMPDIR" in raised.value.hint


def test_errors_of_the_writer_are_raised_unchanged(temporary: Path) -> None:
    def fail(file: BinaryIO) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        spooled(fail)

    assert not any(temporary.iterdir())


def test_thousands_of_spools_can_be_open_at_once() -> None:
    resource = pytest.importorskip("resource")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < 1_200:
        pytest.skip("the system does not allow it")

    spools = [spool_of(b"x") for _ in range(1_100)]

    assert Path(spools[-1].path).read_bytes() == b"x"
