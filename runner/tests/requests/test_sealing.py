"""Tests of the key that opens passwords, and of what is sealed to it."""

import os
import stat
from base64 import b64decode
from pathlib import Path

import pytest
from support import new_processes

from exhaust.errors import DataError, PermissionDenied, UsageError
from exhaust.requests.sealing import is_public_key, seal, worker_key

PASSWORD = "correct horse ஒன்று"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "results" / ".worker-key"


def test_only_the_key_opens_what_is_sealed_to_it(file: Path, tmp_path: Path) -> None:
    key, other = worker_key(file), worker_key(tmp_path / "other")
    sealed = seal(PASSWORD, key.public)
    assert key.open(sealed) == PASSWORD
    with pytest.raises(DataError, match="sealed to the key of another worker"):
        other.open(sealed)


def test_a_sealed_password_says_nothing_of_it(file: Path) -> None:
    key = worker_key(file)
    once, again, long = (seal(text, key.public) for text in ("secret1", "secret1", "x" * 255))
    assert once != again
    assert len(once) == len(long)
    assert b"secret1" not in b64decode(once)


@pytest.mark.parametrize("sealed", ["", "A", "A" * 1432, "no base64 ஒ"])
def test_what_is_not_sealed_is_refused(sealed: str, file: Path) -> None:
    with pytest.raises(DataError, match="sealed to the key of another worker"):
        worker_key(file).open(sealed)


def test_the_key_is_made_once_and_is_private(file: Path) -> None:
    before = os.umask(0)
    try:
        first = worker_key(file)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert worker_key(file).public == first.public
    assert is_public_key(first.public)
    assert file.read_text().strip() not in repr(first)
    assert [one.name for one in file.parent.iterdir()] == [".worker-key"]


def test_a_wider_umask_of_results_does_not_open_the_key(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXHAUST_UMASK", "027")
    worker_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_reach_is_refused(file: Path, mode: int) -> None:
    worker_key(file)
    file.chmod(mode)
    with pytest.raises(PermissionDenied, match="is not only yours to read"):
        worker_key(file)


def test_the_key_of_another_user_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker_key(file)
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
    with pytest.raises(PermissionDenied, match="is not only yours to read"):
        worker_key(file)


@pytest.mark.parametrize("content", [b"", b"S3cret\n", b"S3cret" * 1000, b"\xff"])
def test_a_file_that_is_not_a_key_is_refused_and_not_quoted(file: Path, content: bytes) -> None:
    worker_key(file)
    file.write_bytes(content)
    with pytest.raises(UsageError, match="is not a key of workers") as raised:
        worker_key(file)
    assert raised.value.__suppress_context__
    assert "S3cret" not in f"{raised.value.message}{raised.value.hint}"


def test_a_key_that_cannot_be_made_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    with pytest.raises(UsageError, match="cannot be read or made: "):
        worker_key(tmp_path / "results" / ".worker-key")


def test_workers_that_start_at_once_have_one_key(file: Path) -> None:
    with new_processes().Pool(4) as pool:
        assert len(set(pool.map(_public_key, [file] * 8))) == 1


def _public_key(file: Path) -> str:
    return worker_key(file).public


@pytest.mark.parametrize("text", [None, "", "key", "A" * 43, "A" * 43 + "=" + "A" * 4, "ஒ"])
def test_only_a_key_is_a_public_key(text: str | None) -> None:
    assert not is_public_key(text)
