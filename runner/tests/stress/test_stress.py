"""Loads, builds, exports and plain dbt at once never leave a wrong file; `make stress` runs more.

Every command ends as documented, and every file that an export has written is whole and has a true
receipt, whatever the others did meanwhile.
"""

import os
import shutil
from collections import Counter
from pathlib import Path
from time import monotonic

import pytest
from stress_checks import (
    Golden,
    check_ended,
    check_export,
    check_free,
    loaded_enrolments,
    read_builds,
    read_reports,
)
from stress_round import Shell, run_round
from support import PROJECT

from exhaust.project.settings import Settings
from exhaust.warehouse import connect

pytestmark = pytest.mark.not_on_spark

SEEDS = PROJECT / "seeds"
ROUNDS = int(os.environ.get("EXHAUST_ROUNDS", "2"))
EXPORTS = int(os.environ.get("EXHAUST_EXPORTS", "4"))
"""Exports in a round."""
MODELS = ("courses", "stg_users")
"""What plain dbt builds, in turn: a mart and a view."""
WAVES = (1, 2, 2)
"""In how many waves the exports start, in turn."""


@pytest.fixture
def extracts(tmp_path: Path) -> list[Path]:
    """Returns the sample, and the same without every fifth enrolment."""
    other = tmp_path / "other"
    shutil.copytree(SEEDS, other)
    file = other / "user_enrolments.csv"
    header, *rows = file.read_text("utf-8").splitlines(keepends=True)
    kept = (row for number, row in enumerate(rows) if number % 5)
    file.write_text(header + "".join(kept), "utf-8")
    return [SEEDS, other]


@pytest.fixture
def shell(settings: Settings, tmp_path: Path) -> Shell:
    folder = tmp_path / "shell"
    folder.mkdir()
    return Shell(settings, folder)


def quiet_reports(shell: Shell, extract: Path | None, folder: Path) -> tuple[int, dict[str, bytes]]:
    """Returns the files of a load, a build and an export that nothing disturbs, and the rows of
    enrolments that they are made from. Without an extract: of what is loaded."""
    commands = [["load", str(extract)]] if extract else []
    for command in [*commands, ["build"], ["export", "--all", "--output-dir", str(folder)]]:
        ended = shell.run(*command)
        assert ended.code == 0, ended.output
    with connect(shell.settings.profile, writing=False) as warehouse:
        return loaded_enrolments(warehouse, shell.settings), read_reports(folder)


def test_commands_at_once_leave_only_true_files(
    shell: Shell, extracts: list[Path], tmp_path: Path
) -> None:
    golden: Golden = dict(
        quiet_reports(shell, extract, tmp_path / f"golden-{number}")
        for number, extract in enumerate(extracts)
    )
    one, other = golden.values()
    assert sum(one[name] != other[name] for name in one) > len(one) / 2
    counts: Counter[str] = Counter()
    for number in range(ROUNDS):
        began = monotonic()
        folders = [tmp_path / f"round-{number}" / str(export) for export in range(EXPORTS)]
        exports, others = run_round(
            shell,
            extracts[number % len(extracts)],
            MODELS[number % len(MODELS)],
            folders,
            WAVES[number % len(WAVES)],
        )
        for command in (*exports, *others):
            check_ended(command)
        check_free(shell.settings)
        builds = read_builds(shell.settings)
        for command, folder in zip(exports, folders, strict=True):
            check_export(command, folder, golden, builds)
        counts.update(f"{command.kind} {command.code}" for command in (*exports, *others))
        print(f"round {number + 1}: {monotonic() - began:.0f} s; {dict(sorted(counts.items()))}")
    enrolments, reports = quiet_reports(shell, None, tmp_path / "after")
    assert reports == golden[enrolments]
