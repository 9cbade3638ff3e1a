"""The private folder of a try, and what removes those of killed processes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from exhaust.errors import UsageError
from exhaust.reports.parts import sweep
from exhaust.reports.try_folder import try_folder

pytestmark = pytest.mark.not_on_spark

KILLED = """
import os, sys
from pathlib import Path
from exhaust.reports.try_folder import try_folder
with try_folder(Path(sys.argv[1])) as folder:
    (folder / "rows.csv").write_text("secret")
    os.kill(os.getpid(), 9)
"""


def test_only_its_owner_may_enter_it_and_it_is_removed(tmp_path: Path) -> None:
    with try_folder(tmp_path) as folder:
        (folder / "in" / "it").mkdir(parents=True)
        assert folder.parent == tmp_path
        assert folder.name.startswith(".")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(tmp_path.iterdir()) == []


def test_it_is_removed_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), try_folder(tmp_path):
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_killed_process_is_swept_and_others_are_not(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", KILLED, tmp_path], env=environment)
    assert killed.returncode == -9
    (left,) = tmp_path.iterdir()
    assert (left / "rows.csv").read_text() == "secret"

    with try_folder(tmp_path) as own:
        sweep(tmp_path)
        assert list(tmp_path.iterdir()) == [own]


def test_a_link_with_such_a_name_is_not_followed(tmp_path: Path) -> None:
    with try_folder(tmp_path) as folder:
        name = folder.name
    (tmp_path / "mine").mkdir()
    (tmp_path / name).symlink_to(tmp_path / "mine", target_is_directory=True)
    sweep(tmp_path)
    assert (tmp_path / "mine").is_dir()


def test_a_folder_that_cannot_be_made_is_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"), try_folder(tmp_path / "missing"):
        pass
