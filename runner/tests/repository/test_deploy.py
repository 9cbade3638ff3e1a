"""What a server needs: the units in deploy/ and their page. And the workflow of the forge."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from support import PROJECT

from exhaust.errors import DataError, PermissionDenied, UsageError

VERIFY = PROJECT / "deploy" / "verify"
UNITS = PROJECT / "deploy" / "systemd"
NAMES = {file.name for file in UNITS.iterdir()}
PAGE = (PROJECT / "docs" / "deploy.md").read_text("utf-8")
COMMANDS = (PROJECT / "docs" / "cli.md").read_text("utf-8")
EXHAUST = "/opt/exhaust/venv/bin/exhaust"
RUN_EXHAUST = {"exhaust-nightly@.service", "exhaust-serve@.service", "exhaust-worker@.service"}
PERMANENT = {error.exit_code for error in (UsageError, PermissionDenied, DataError)}
INTERRUPTED = 130

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="deploy/verify needs systemd-analyze"
)


def read(unit: str) -> dict[str, list[str]]:
    """Returns the settings of a unit; each may have several values."""
    settings: dict[str, list[str]] = {}
    for line in (UNITS / unit).read_text("utf-8").splitlines():
        name, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            settings.setdefault(name, []).append(value)
    return settings


def verify(units: Path, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [VERIFY, units], env={"PATH": path}, capture_output=True, text=True, check=False
    )


@needs_systemd
def test_systemd_accepts_the_units() -> None:
    done = verify(UNITS)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_systemd
@pytest.mark.parametrize(
    ("unit", "line", "broken"),
    [
        ("exhaust-worker@.service", "ProtectSystem=strict", "ProtectSytem=strict"),
        ("exhaust-worker@.service", "UMask=0077", "UMask=private"),
        ("exhaust-nightly@.service", "Type=oneshot", "Type=simple"),
        ("exhaust-nightly@.service", "Restart=on-failure", "Restart=always"),
        ("exhaust-nightly@.timer", "OnCalendar=*-*-* 01:30", "OnCalendar=every night"),
    ],
)
def test_a_broken_unit_is_refused(tmp_path: Path, unit: str, line: str, broken: str) -> None:
    units = shutil.copytree(UNITS, tmp_path / "units")
    text = (units / unit).read_text("utf-8")
    (units / unit).write_text(text.replace(line, broken), "utf-8")

    assert text.count(line) == 1
    assert verify(units).returncode == 1


def test_without_systemd_the_check_says_that_it_did_nothing(tmp_path: Path) -> None:
    for tool in ("sh", "dirname", "grep"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)

    done = verify(UNITS, path=str(tmp_path))

    assert done.returncode == 0
    assert "were not checked" in done.stderr


def test_units_that_a_unit_names_exist() -> None:
    for timer in (name for name in NAMES if name.endswith(".timer")):
        assert timer.replace(".timer", ".service") in NAMES
    for name in RUN_EXHAUST:
        assert read(name)["OnFailure"] == ["exhaust-failed@%n.service"]
    assert "exhaust-failed@.service" in NAMES


def test_the_commands_of_the_units_exist() -> None:
    lines = [line for name in RUN_EXHAUST for line in read(name)["ExecStart"]]
    ours = [line.split()[1:] for line in lines if line.startswith(f"{EXHAUST} ")]

    assert {command for command, *_ in ours} == {"load", "build", "process", "serve"}
    for command, *arguments in ours:
        (section,) = re.findall(rf"^## `exhaust {command}`$(.*?)(?=^## |\Z)", COMMANDS, re.M | re.S)
        for option in (argument for argument in arguments if argument.startswith("-")):
            assert re.search(rf"\* `{option}[ `]", section)


def test_no_unit_tries_again_what_another_try_cannot_help() -> None:
    def prevented(unit: str) -> set[int]:
        return {int(code) for code in read(unit)["RestartPreventExitStatus"][0].split()}

    assert prevented("exhaust-nightly@.service") == PERMANENT | {INTERRUPTED}
    # A worker or a server that was interrupted ends with exit code 0.
    assert prevented("exhaust-worker@.service") == PERMANENT
    assert prevented("exhaust-serve@.service") == PERMANENT


def test_whatever_runs_exhaust_has_the_same_sandbox() -> None:
    night, pages, worker = (
        {
            name: values
            for name, values in read(unit).items()
            if re.match("Protect|Private|Restrict|ReadWrite|NoNew|Cap|Lock|System|UMask", name)
        }
        for unit in sorted(RUN_EXHAUST)
    )

    assert night == pages == worker
    assert night["ProtectSystem"] == ["strict"]


def test_a_failure_is_mailed(tmp_path: Path) -> None:
    for tool, script in {
        "systemctl": 'echo "state of $4"; exit 3',
        "mail": 'printf "%s|" "$@"; cat',
    }.items():
        (tmp_path / tool).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / tool).chmod(0o755)
    (line,) = read("exhaust-failed@.service")["ExecStart"]
    assert "$" not in line.replace("$$", ""), "systemd itself would replace it"
    for specifier, value in {
        "%i": "exhaust-nightly@ap.service",
        "%H": "server",
        "$$": "$",
    }.items():
        line = line.replace(specifier, value)

    done = subprocess.run(
        ["sh", "-c", line],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "MAILTO": "operator"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == (
        "-s|exhaust-nightly@ap.service failed on server|operator|"
        "state of exhaust-nightly@ap.service\n"
    )


def test_the_page_names_the_units_and_where_they_look() -> None:
    for name in NAMES:
        assert name.removesuffix(".service").removesuffix(".timer") in PAGE
    for name in RUN_EXHAUST:
        paths = re.findall(r"/(?:etc|opt|srv)/[\w/.%-]+", (UNITS / name).read_text("utf-8"))
        for path in paths:
            assert path.replace("%i", "ap") in PAGE, path


def test_the_workflow_tests_every_python_with_pinned_actions() -> None:
    text = (PROJECT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    pythons = yaml.safe_load(text)["jobs"]["test"]["strategy"]["matrix"]["python"]
    supported = re.search(
        r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (PROJECT / "pyproject.toml").read_text()
    )

    assert supported
    assert pythons == [f"3.{minor}" for minor in range(int(supported[1]), int(supported[2]))]
    for action in re.findall(r"uses: (.*)", text):
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
