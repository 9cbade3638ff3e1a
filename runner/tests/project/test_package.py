"""Which models a project builds from, and the defaults that they bring along."""

from pathlib import Path

import pytest
from project_files import EXAMPLE, profiles
from support import PROJECT

from exhaust.errors import UsageError
from exhaust.project.package import IS_CHECKOUT, OWN_PACKAGE, package_dir
from exhaust.project.settings import read_receipt_public_keys, read_settings

FOREIGN = "name: own\nprofile: exhaust\n"
PACKAGES = "packages:\n  - local: ../exhaust\n"


@pytest.fixture
def foreign(project: Path) -> Path:
    """A project of another name, which lists the package."""
    (project / "dbt_project.yml").write_text(FOREIGN)
    (project / "packages.yml").write_text(PACKAGES)
    return project


def install(folder: Path, variables: str = "{landing_schema: raw, report_timezone: UTC}") -> None:
    """Makes a package of that name, as dbt installs one."""
    (folder / "exhaust").mkdir(parents=True)
    (folder / "exhaust" / "dbt_project.yml").write_text(f"name: exhaust\nvars: {variables}\n")


def test_the_command_of_a_checkout_brings_the_checkout_along() -> None:
    assert (IS_CHECKOUT, OWN_PACKAGE) == (True, PROJECT)


def test_the_package_itself_is_a_project(project: Path) -> None:
    assert package_dir(project, {"name": "exhaust"}) == project
    assert read_settings(environ={}).package_dir == project


@pytest.mark.parametrize("file", ["packages.yml", "dependencies.yml"])
def test_a_project_that_lists_the_package_may_not_have_installed_it(
    foreign: Path, file: str
) -> None:
    (foreign / "packages.yml").rename(foreign / file)
    assert read_settings(environ={}).package_dir == foreign / "dbt_packages" / "exhaust"


def test_a_project_that_does_not_list_the_package_is_refused_with_the_lines_to_add(
    foreign: Path,
) -> None:
    (foreign / "packages.yml").write_text("packages:\n  - local: ../another\n")
    with pytest.raises(UsageError, match="is not a project of exhaust") as refused:
        read_settings(environ={})
    assert f'packages:\n  - local: "{PROJECT}"' in (refused.value.hint or "")


def test_the_package_is_found_where_dbt_installs_it(foreign: Path) -> None:
    (foreign / "packages.yml").unlink()
    install(foreign / "elsewhere")
    config = {"name": "own", "packages-install-path": "elsewhere"}
    assert package_dir(foreign, config, {}) == foreign / "elsewhere" / "exhaust"
    given = {"DBT_PACKAGES_INSTALL_PATH": str(foreign / "elsewhere")}
    assert package_dir(foreign, {"name": "own"}, given) == foreign / "elsewhere" / "exhaust"


class TestVariables:
    def test_those_of_the_installed_package_are_the_defaults(self, foreign: Path) -> None:
        install(foreign / "dbt_packages")
        settings = read_settings(environ={})
        assert (settings.landing_schema, settings.report_timezone.key) == ("raw", "UTC")

    def test_those_of_the_command_are_the_defaults_until_it_is_installed(
        self, foreign: Path
    ) -> None:
        settings = read_settings(environ={})
        assert (settings.landing_schema, settings.report_timezone.key) == (
            "sunbird",
            "Asia/Kolkata",
        )

    def test_the_project_overrides_them_for_itself_or_for_the_package(self, foreign: Path) -> None:
        (foreign / "dbt_project.yml").write_text(
            f"{FOREIGN}vars: {{landing_schema: a, report_timezone: UTC, "
            "exhaust: {landing_schema: b, receipt_public_keys: {k: MCow=}}}\n"
        )
        settings = read_settings(environ={})
        assert (settings.landing_schema, settings.report_timezone.key) == ("b", "UTC")
        assert settings.receipt_public_keys == {"k": "MCow="}
        assert read_receipt_public_keys(None, {}) == {"k": "MCow="}


class TestProfile:
    def test_the_example_of_the_command_is_used_where_the_project_has_none(
        self, foreign: Path
    ) -> None:
        (foreign / "profiles.example.yml").unlink()
        settings = read_settings(environ={})
        assert settings.profiles_file == PROJECT / "profiles.example.yml"
        assert settings.profile.project_dir == foreign

    def test_a_profile_of_another_name_has_no_example(self, foreign: Path) -> None:
        (foreign / "dbt_project.yml").write_text("name: own\nprofile: of_mine\n")
        with pytest.raises(UsageError, match=r"no profile `of_mine`.*looked in .*profiles\.yml"):
            read_settings(environ={})

        (foreign / "profiles.yml").write_text(EXAMPLE)
        with pytest.raises(UsageError, match=r"no profile `of_mine`"):
            read_settings(environ={})

        text = profiles("{type: duckdb, path: x.duckdb}").replace("exhaust:", "of_mine:")
        (foreign / "profiles.yml").write_text(text)
        assert read_settings(environ={}).profile.target == "one"
