"""`exhaust grant`: what it prints, and what it refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_support import call, use_warehouse
from handmade_marts import CREATOR, create_marts
from json_page import assert_documented
from postgres_roles import new_role

from exhaust.project.settings import Settings
from exhaust.warehouse import connect


@pytest.fixture
def role(
    settings_postgres: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    with connect(settings_postgres.profile, writing=True) as warehouse:
        create_marts(warehouse, settings_postgres)
    use_warehouse(settings_postgres, monkeypatch, tmp_path)
    with new_role(settings_postgres) as settings:
        yield str(settings.profile.options["user"])


def test_it_says_what_the_role_is_now(role: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("grant", "reader", role, "--user", CREATOR) == 0
    assert f"{role} is a reader of the user c: " in capsys.readouterr().err
    assert call("grant", "worker", role) == 0
    assert f"{role} is a worker: " in capsys.readouterr().err


def test_every_key_is_documented(role: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("grant", "reader", role, "--user", CREATOR, "--json") == 0
    granted = assert_documented("grant", capsys.readouterr().out)
    assert (granted["kind"], granted["role"], granted["user_id"]) == ("reader", role, CREATOR)
    assert 'select on "exhaust"."courses"' in granted["rights"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["king", "x"], 2, "There is no kind `king`."),
        (["reader", "x"], 3, "There is no role x in"),
        (["worker", "x", "--user", "u"], 2, "A worker has no user ID."),
    ],
)
@pytest.mark.usefixtures("role")
def test_what_is_wrong_is_said(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("grant", *arguments) == code
    assert message in capsys.readouterr().err
