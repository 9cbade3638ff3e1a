"""`exhaust init`: the project that it writes, and what it does to one that exists."""

from pathlib import Path

import pytest
import yaml
from support import PROJECT

from exhaust.errors import ExhaustError, UsageError
from exhaust.pipeline import starter
from exhaust.pipeline.starter import init
from exhaust.project.settings import read_settings

FILES = ["dbt_project.yml", "profiles.yml", "packages.yml", ".gitignore"]
EARLIER = "/gone/python3.11/site-packages/exhaust/dbt_project"


@pytest.fixture
def without_dbt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starter, "install_packages", lambda settings, console: None)


@pytest.fixture
def made(tmp_path: Path, without_dbt: None) -> Path:
    """The folder of a project that was made."""
    init(tmp_path / "tn")
    return tmp_path / "tn"


def read(file: Path) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load(file.read_text("utf-8"))
    return content


def test_a_project_is_written_and_has_the_models(tmp_path: Path) -> None:
    folder = tmp_path / "of state" / "Tamil Nadu"
    report = init(folder)
    assert (report.project_dir, report.package_dir, report.written) == (folder, PROJECT, FILES)
    installed = folder / "dbt_packages" / "exhaust"
    assert (installed / "models" / "marts").is_dir()
    settings = read_settings(folder, environ={})
    assert settings.package_dir == installed
    assert settings.profiles_file == folder / "profiles.yml"


def test_the_project_has_the_variables_and_the_targets_of_the_package(made: Path) -> None:
    own, package = (read(folder / "dbt_project.yml") for folder in (made, PROJECT))
    assert own["vars"] == package["vars"]
    assert own["require-dbt-version"] == package["require-dbt-version"]
    assert read(made / "profiles.yml") == read(PROJECT / "profiles.example.yml")
    assert "this example" not in (made / "profiles.yml").read_text()


def test_the_project_keeps_out_of_git_what_the_checkout_keeps_out(made: Path) -> None:
    ignored, of_checkout = (
        set((folder / ".gitignore").read_text().splitlines()) for folder in (made, PROJECT)
    )
    assert ignored <= of_checkout
    assert {"/profiles.yml", "/results/", "*.duckdb", "*.receipt.json"} <= ignored


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("tn", "tn"),
        ("Tamil Nadu-2026", "tamil_nadu_2026"),
        ("exhaust", "my_exhaust"),
        ("2026", "my_exhaust"),
        ("தமிழ்", "my_exhaust"),
    ],
)
def test_the_project_is_named_after_its_folder(
    tmp_path: Path, without_dbt: None, folder: str, name: str
) -> None:
    init(tmp_path / folder)
    assert read(tmp_path / folder / "dbt_project.yml")["name"] == name


def test_existing_files_stay_and_missing_ones_are_written(made: Path) -> None:
    (made / "dbt_project.yml").write_text("name: own\nprofile: exhaust\n")
    (made / "profiles.yml").unlink()
    assert init(made).written == ["profiles.yml"]
    assert (made / "dbt_project.yml").read_text() == "name: own\nprofile: exhaust\n"
    assert init(made).written == []


def test_the_path_of_an_earlier_installation_is_corrected(made: Path) -> None:
    (made / "packages.yml").write_text(
        f"packages:\n  - local: ../shared  # ours\n  - local: {EARLIER}\n"
    )
    assert init(made).written == ["packages.yml"]
    text = (made / "packages.yml").read_text()
    assert text == f"packages:\n  - local: ../shared  # ours\n  - local: {PROJECT}\n"


def test_another_dbt_project_is_refused_with_the_lines_to_add(
    tmp_path: Path, without_dbt: None
) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: of_mine\nprofile: of_mine\n")
    with pytest.raises(UsageError, match="already holds a dbt project, `of_mine`") as refused:
        init(tmp_path)
    assert f'packages:\n  - local: "{PROJECT}"' in (refused.value.hint or "")
    assert [file.name for file in tmp_path.iterdir()] == ["dbt_project.yml"]


def test_the_package_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: exhaust\n")
    with pytest.raises(UsageError, match="holds the package exhaust itself"):
        init(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, without_dbt: None) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"file/tn cannot be written"):
        init(tmp_path / "file" / "tn")


def test_packages_that_dbt_cannot_install_are_an_error(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    (made / "packages.yml").write_text("packages:\n  - local: ../exhaust-of-mine\n")
    with pytest.raises(
        ExhaustError, match=r"(?s)could not install the packages of .*exhaust-of-mine"
    ):
        init(made)
