"""A project or a profile that was planted above or in the current folder."""

import grp
import os
import pwd
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from cli_support import call

from exhaust.errors import ExhaustError, PermissionDenied
from exhaust.project import trust
from exhaust.project.settings import find_project, read_receipt_public_keys, read_settings

pytestmark = pytest.mark.usefixtures("home")


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a file another user's; where only root may do that, makes the caller another user."""
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)


def check_refused(path: Path, reason: str, hint: str) -> None:
    for read in (
        lambda: find_project(None, {}),
        lambda: read_settings(environ={}),
        lambda: read_receipt_public_keys(None, {}),
    ):
        with pytest.raises(PermissionDenied) as refused:
            read()
        assert refused.value.message.startswith(f"{path} {reason}, and what a project says runs")
        assert hint in (refused.value.hint or "")


@pytest.mark.parametrize("name", [".", "dbt_project.yml"])
def test_a_project_of_another_user_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    give_away(project / name, monkeypatch)
    if os.geteuid() == 0:
        check_refused(project / name, "belongs to 12345", f"chown root {project / name}")
    with pytest.raises(PermissionDenied, match="belongs to"):
        find_project(None, {})


@pytest.mark.parametrize("name", [".", "dbt_project.yml"])
@pytest.mark.parametrize("right", [0o002, 0o020])
def test_a_project_that_others_may_change_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, right: int
) -> None:
    monkeypatch.setattr(trust, "_is_only_ours", lambda group_id: False)
    path = project / name
    path.chmod(path.stat().st_mode | right)
    check_refused(path, "can be changed by others", f"chmod go-w {path}")


@pytest.mark.parametrize(
    ("name", "members", "is_refused"),
    [("me", [], False), ("me", ["me"], False), ("me", ["me", "other"], True), ("staff", [], True)],
)
def test_a_group_of_the_caller_alone_may_have_the_right(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    members: list[str],
    is_refused: bool,
) -> None:
    """As with the umask 002, where each user has a group of their own."""
    path = project / "dbt_project.yml"
    path.chmod(0o664)
    os.chown(path, -1, os.getegid())
    me = SimpleNamespace(pw_name="me", pw_gid=os.getegid())
    group = SimpleNamespace(gr_name=name, gr_mem=members)
    monkeypatch.setattr(pwd, "getpwuid", lambda user_id: me)
    monkeypatch.setattr(grp, "getgrgid", lambda group_id: group)
    if is_refused:
        check_refused(path, "can be changed by others", "chmod go-w")
    else:
        assert find_project(None, {}) == project


def test_a_project_that_was_named_is_taken(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_away(project, monkeypatch)
    assert find_project(project, {}) == project
    assert find_project(None, {"EXHAUST_PROJECT_DIR": str(project)}) == project
    (project / "profiles.yml").write_text((project / "profiles.example.yml").read_text())
    settings = read_settings(project, environ={})
    assert settings.profiles_file == project / "profiles.yml"


def test_a_profile_in_the_current_folder_has_to_be_ours(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Path.cwd() / "profiles.yml"
    planted.write_text((project / "profiles.example.yml").read_text())
    assert read_settings(environ={}).profiles_file == planted
    planted.chmod(0o666)
    for named in (None, project):
        with pytest.raises(PermissionDenied, match=re.escape(f"{planted} can be changed")):
            read_settings(named, environ={})
    assert read_settings(profiles_dir=planted.parent, environ={}).profiles_file == planted


@pytest.mark.parametrize("command", ["courses", "build", "process", "verify x", "demo"])
def test_a_command_does_not_work_on_a_planted_project(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    monkeypatch.delenv("EXHAUST_PROJECT_DIR", raising=False)
    project.chmod(0o777)
    assert call(*command.split()) == PermissionDenied.exit_code
    assert f"error: {project} can be changed by others" in capsys.readouterr().err


def test_the_log_of_an_unexpected_error_does_not_go_to_a_planted_project(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exhaust.cli import command

    project.chmod(0o777)
    monkeypatch.setattr("tempfile.tempdir", str(project.parent))
    found = command._unexpected(RuntimeError("no"), None)
    assert isinstance(found, ExhaustError)
    assert not (project / "logs").exists()
