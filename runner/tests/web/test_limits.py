"""Rates of what costs much, and the secrets of a server."""

from pathlib import Path

import pytest
from handmade_marts import CREATOR, create_marts
from support import ManualClock
from web_support import browser

from exhaust.errors import UsageError
from exhaust.project.settings import Settings
from exhaust.warehouse import connect
from exhaust.web.limits import MAX_KEYS, Limit, Rate
from exhaust.web.secrets import Keys, needed_secret, read_secret, session_keys


def test_a_burst_is_allowed_and_then_a_rate() -> None:
    clock = ManualClock()
    limit = Limit(Rate(burst=2, per_second=0.5), clock)
    assert [limit.take("a") for _ in range(3)] == [True, True, False]
    assert limit.take("b")
    clock.sleep(1)
    assert not limit.take("a")
    clock.sleep(1)
    assert [limit.take("a"), limit.take("a")] == [True, False]
    clock.sleep(1000)
    assert [limit.take("a") for _ in range(3)] == [True, True, False]


def test_limits_need_no_more_memory_than_for_so_many() -> None:
    limit = Limit(Rate(burst=1, per_second=0), ManualClock())
    assert all(limit.take(str(number)) for number in range(MAX_KEYS + 1))
    assert limit.take("0")
    assert not limit.take(str(MAX_KEYS))


def test_searches_are_limited_for_each_person(settings_duckdb: Settings) -> None:
    with connect(settings_duckdb.profile, writing=True) as warehouse:
        create_marts(warehouse, settings_duckdb)
    limit = Limit(Rate(burst=2, per_second=0), ManualClock())
    with browser(settings_duckdb, CREATOR, searches=limit) as client:
        assert [client.get("/?q=a").status_code for _ in range(3)] == [200, 200, 429]
        assert client.get("/?q=a").headers["retry-after"] == "10"
        assert client.get("/health").status_code == 200


def test_keys_differ_by_purpose_and_secret() -> None:
    one, other = Keys(b"a" * 48), Keys(b"b" * 48)
    keys = {one.derived("x"), one.derived("y"), other.derived("x")}
    assert len(keys) == 3
    assert all(len(key) == 32 for key in keys)
    assert "aaa" not in repr(one)


def test_a_secret_comes_from_the_environment_or_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("  from a file\n")
    file.chmod(0o600)
    assert read_secret("S", {"S": "given", "S_FILE": str(file)}) == "given"
    assert read_secret("S", {"S_FILE": str(file)}) == "from a file"
    assert read_secret("S", {}) is None


@pytest.mark.parametrize(("mode", "text"), [(0o640, "x"), (0o604, "x"), (0o600, " ")])
def test_a_file_that_is_no_secret_is_refused(tmp_path: Path, mode: int, text: str) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(UsageError) as raised:
        read_secret("S", {"S_FILE": str(file)})
    assert "S_FILE" in raised.value.message


def test_missing_and_short_secrets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="S is not set"):
        needed_secret("S", {})
    with pytest.raises(UsageError, match="cannot be read"):
        needed_secret("S", {"S_FILE": str(tmp_path / "none")})
    with pytest.raises(UsageError, match="too short") as raised:
        session_keys(tmp_path / "key", {"EXHAUST_SESSION_KEY": "k" * 31})
    assert "kkk" not in raised.value.message
    assert [*tmp_path.iterdir()] == []
