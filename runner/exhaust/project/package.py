"""The dbt package of exhaust: its models, macros, tests and sample extract.

A project builds from it: a checkout of exhaust is the package itself, any other project installs
it with dbt. This command brings one along, in its wheel or in the checkout it was installed from.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exhaust.errors import UsageError
from exhaust.project.yaml_file import read_yaml

NAME = "exhaust"
"""dbt's name of the package: variables under it are for its models only."""
DISTRIBUTION = "sunbird-exhaust"
"""The name of the Python distribution."""

_CODE = Path(__file__).resolve().parents[1]
IN_WHEEL = _CODE / "dbt_project"
IS_CHECKOUT = not IN_WHEEL.is_dir()
"""Whether the command was installed from a checkout, which then is a project too."""
OWN_PACKAGE = _CODE.parents[1] if IS_CHECKOUT else IN_WHEEL
"""The folder of the package that this command brings along."""


def package_dir(
    project: Path, config: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> Path:
    """Returns the folder of the package that a project builds from.

    `config` is the content of its dbt_project.yml. The folder does not exist if the project's
    packages are not installed yet. Raises UsageError if the project does not use the package.
    """
    if config.get("name") == NAME:
        return project
    installed = (
        environ.get("DBT_PACKAGES_INSTALL_PATH")
        or config.get("packages-install-path")
        or "dbt_packages"
    )
    folder = project / installed / NAME
    if not folder.exists() and not _lists_exhaust(project):
        raise UsageError(
            f"{project / 'dbt_project.yml'} is not a project of exhaust: packages.yml does not "
            "list the package.",
            "Give the folder of the project with --project-dir, or add the package:\n"
            f"{packages_entry(OWN_PACKAGE)}",
        )
    return folder


def packages_entry(package: Path) -> str:
    """Returns the lines of a packages.yml that lists a package in a folder."""
    quoted = str(package).replace("\\", "\\\\").replace('"', '\\"')
    return f'packages:\n  - local: "{quoted}"'


def local_packages(file: Path) -> list[str]:
    """Returns the folders that a packages.yml or dependencies.yml lists, as they are written."""
    entries = read_yaml(file).get("packages") or []
    return [one["local"] for one in entries if isinstance(one, dict) and "local" in one]


def _lists_exhaust(project: Path) -> bool:
    files = [project / "packages.yml", project / "dependencies.yml"]
    return any(
        NAME in file.read_text("utf-8", "replace")
        or any(_is_exhaust(project / path) for path in local_packages(file))
        for file in files
        if file.is_file()
    )


def _is_exhaust(folder: Path) -> bool:
    file = folder / "dbt_project.yml"
    return file.is_file() and read_yaml(file).get("name") == NAME
