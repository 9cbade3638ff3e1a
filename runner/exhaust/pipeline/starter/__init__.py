"""A dbt project of the user's own, which uses the package that this command brings along."""

import re
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from pathlib import Path
from string import Template
from typing import Any

from exhaust.console import SILENCE, Console
from exhaust.errors import UsageError
from exhaust.pipeline.dbt import install_packages
from exhaust.project.package import NAME, OWN_PACKAGE, local_packages, packages_entry
from exhaust.project.profile import EXAMPLE
from exhaust.project.settings import read_settings
from exhaust.project.yaml_file import read_yaml
from exhaust.reports.files import make_folder, plain_errors

TEMPLATES = Path(__file__).parent
FALLBACK_NAME = "my_exhaust"
"""The name of a project whose folder's name cannot be one, or is the package's."""


@dataclass(frozen=True)
class InitReport:
    project_dir: Path
    package_dir: Path
    """The package that the project uses."""
    written: list[str]
    """The files that were written, or in which the path of the package was corrected."""


def init(folder: Path, console: Console = SILENCE) -> InitReport:
    """Writes those files of a project that are missing, and installs the package in it.

    In a project that was made like this, corrects the path of the package. Raises UsageError if
    the folder holds another dbt project or cannot be written, ExhaustError if dbt cannot install
    the package.
    """
    project = folder.absolute()
    make_folder(project)
    written = [*_write_missing(project), *_correct_packages(project)]
    settings = read_settings(project)
    install_packages(settings, console)
    return InitReport(project, OWN_PACKAGE, written)


def _write_missing(project: Path) -> list[str]:
    if (project / "dbt_project.yml").exists():
        _check_own(project, read_yaml(project / "dbt_project.yml"))
    texts = {
        "dbt_project.yml": _dbt_project(project),
        "profiles.yml": _profiles(),
        "packages.yml": Template(_template("packages.yml")).substitute(
            packages=packages_entry(OWN_PACKAGE)
        ),
        ".gitignore": _template("gitignore"),
    }
    missing = {name: text for name, text in texts.items() if not (project / name).exists()}
    for name, text in missing.items():
        _write(project / name, text)
    return list(missing)


def _write(file: Path, text: str) -> None:
    """Writes a new file, or none: the next `init` keeps files that exist."""
    with plain_errors(file):
        try:
            with file.open("x", encoding="utf-8") as new:
                new.write(text)
        except BaseException as error:
            if not isinstance(error, FileExistsError):
                file.unlink(missing_ok=True)
            raise


def _check_own(project: Path, config: dict[str, Any]) -> None:
    """Raises UsageError if a project was not made by `init`."""
    if config.get("name") == NAME:
        raise UsageError(
            f"{project} holds the package {NAME} itself, which needs no project.",
            "Give another folder.",
        )
    if config.get("profile") != NAME:
        raise UsageError(
            f"{project} already holds a dbt project, `{config.get('name')}`.",
            f"To use {NAME} in it, add this to packages.yml, and run `dbt deps`:\n"
            f"{packages_entry(OWN_PACKAGE)}",
        )


def _correct_packages(project: Path) -> list[str]:
    """Replaces the path of a package of an earlier installation by that of this one."""
    file = project / "packages.yml"
    old = [path for path in local_packages(file) if _is_earlier(project / path)]
    if not old:
        return []
    text = file.read_text("utf-8")
    for path in old:
        text = text.replace(path, str(OWN_PACKAGE))
    with plain_errors(file):
        file.write_text(text, "utf-8")
    return [file.name]


def _is_earlier(path: Path) -> bool:
    """Returns whether a path is that of the package in a wheel, but not in this one."""
    return path.parts[-2:] == (NAME, "dbt_project") and path != OWN_PACKAGE


def _dbt_project(project: Path) -> str:
    name = re.sub(r"\W+", "_", project.name.lower(), flags=re.ASCII).strip("_")
    is_a_name = re.match(r"[a-z_]", name) and name != NAME
    return Template(_template("dbt_project.yml")).substitute(
        name=name if is_a_name else FALLBACK_NAME, variables=_variables()
    )


def _variables() -> str:
    """Returns the variables of the package, with their comments, as they are in its file."""
    lines = (OWN_PACKAGE / "dbt_project.yml").read_text("utf-8").splitlines()
    _, *block = dropwhile(lambda line: line != "vars:", lines)
    return "\n".join(["vars:", *takewhile(lambda line: line.startswith("  "), block)])


def _profiles() -> str:
    """Returns the example profile, without the comment that says that it is one."""
    lines = (OWN_PACKAGE / EXAMPLE).read_text("utf-8").splitlines(keepends=True)
    return "".join(dropwhile(lambda line: line.startswith("#"), lines))


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")
