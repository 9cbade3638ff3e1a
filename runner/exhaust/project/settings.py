"""What a command works on: the project, its variables, and the warehouse of its profile."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from exhaust.console import SILENCE, Console
from exhaust.errors import UsageError
from exhaust.project.profile import Profile, find_profiles, is_file_path, read_profile
from exhaust.project.variables import Variables, public_keys, read_variables
from exhaust.project.yaml_file import read_yaml


@dataclass(frozen=True)
class Settings:
    project_dir: Path
    profiles_dir: Path
    profile: Profile
    landing_schema: str
    report_timezone: ZoneInfo
    require_requester: bool = False
    """Whether everyone has to give a user ID."""
    results_dir: Path = Path("results")
    """The folder for the files of requests."""
    shared_results_dir: Path | None = None
    """The folder of earlier versions, which all targets had in common."""
    results_retention: timedelta = timedelta(days=30)
    max_batches_per_request: int = 20
    receipt_public_keys: Mapping[str, str] = field(default_factory=dict)
    """The Ed25519 public keys that a receipt may be signed by, by ID; none: none is demanded."""
    uses_example: bool = False
    """Whether the profile is the project's profiles.example.yml, because there is no other."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    """The variables that the profile was rendered with; dbt runs with the same."""
    variables: Variables = field(default_factory=Variables, repr=False)

    @property
    def has_own_landing_schema(self) -> bool:
        """Whether the project names the landing schema of this very target."""
        return self.variables.is_of_target("landing_schema")

    def with_variables(self, values: Mapping[str, Any]) -> "Settings":
        """Returns the settings of a build with these variables, given to dbt as `--vars`.

        Raises UsageError that names the variable if one has the wrong type or value.
        """
        variables = self.variables.overridden(values)
        return replace(
            self,
            variables=variables,
            landing_schema=variables.get("landing_schema", self.landing_schema),
            report_timezone=ZoneInfo(variables.get("report_timezone", self.report_timezone.key)),
        )


def read_settings(
    project_dir: Path | None = None,
    profiles_dir: Path | None = None,
    target: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    use_example: bool = False,
    console: Console = SILENCE,
) -> Settings:
    """Reads dbt_project.yml and the profile; an argument left out comes from the environment.

    `use_example` takes the project's profiles.example.yml even if there are other profiles.
    Raises UsageError if a file or a setting is missing or wrong; never quotes a value of the
    profile.
    """
    environment = _with_absolute_path(environ)
    project = find_project(project_dir, environ)
    config = read_yaml(project / "dbt_project.yml")
    name = config.get("profile", "exhaust")
    profiles_file = (
        project / "profiles.example.yml"
        if use_example
        else find_profiles(project, profiles_dir, environ, name)
    )
    profile = read_profile(
        profiles_file, name, target or environ.get("EXHAUST_TARGET"), project, environment
    )
    variables = read_variables(config, project / "dbt_project.yml", profile.target, console)
    results = project / variables.get("results_dir", "results")
    has_own_results = variables.is_of_target("results_dir")
    return Settings(
        project_dir=project,
        profiles_dir=profiles_file.parent,
        profile=profile,
        landing_schema=variables.get("landing_schema", ""),
        report_timezone=ZoneInfo(variables.get("report_timezone", "")),
        require_requester=variables.get("require_requester", False),
        results_dir=results if has_own_results else results / profile.target,
        shared_results_dir=None if has_own_results else results,
        results_retention=timedelta(days=variables.get("results_retention_days", 30)),
        max_batches_per_request=variables.get("max_batches_per_request", 20),
        receipt_public_keys=public_keys(variables.values, variables.source),
        uses_example=profiles_file.name != "profiles.yml",
        environment=environment,
        variables=variables,
    )


def read_receipt_public_keys(
    project_dir: Path | None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Returns the variable receipt_public_keys of a project; empty where there is no project.

    Reads only dbt_project.yml, and no profile. Raises UsageError if the project was named and does
    not exist, or if the file or the variable is wrong.
    """
    try:
        file = find_project(project_dir, environ) / "dbt_project.yml"
    except UsageError:
        if project_dir or environ.get("EXHAUST_PROJECT_DIR"):
            raise
        return {}
    variables = read_yaml(file).get("vars")
    return public_keys(variables if isinstance(variables, dict) else {}, str(file))


def find_project(project_dir: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the folder of the project: as given, else the nearest with a dbt_project.yml.

    Raises UsageError if there is none.
    """
    given = project_dir or environ.get("EXHAUST_PROJECT_DIR")
    if given:
        folder = Path(given).absolute()
        if not (folder / "dbt_project.yml").is_file():
            raise UsageError(
                f"{folder} has no dbt_project.yml.",
                "Give the folder of the project with --project-dir.",
            )
        return folder
    here = Path.cwd()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        if (folder / "dbt_project.yml").is_file():
            return folder
    raise UsageError(
        f"There is no dbt_project.yml in {here} or in a folder above it.",
        "Change to the project's folder, or give it with --project-dir.",
    )


def _with_absolute_path(environ: Mapping[str, str]) -> dict[str, str]:
    """Makes a path given from here absolute, because dbt runs in the project's folder."""
    environment = dict(environ)
    path = environment.pop("EXHAUST_DUCKDB_PATH", "")
    if path:
        environment["EXHAUST_DUCKDB_PATH"] = (
            str(Path(path).expanduser().absolute()) if is_file_path(path) else path
        )
    return environment
