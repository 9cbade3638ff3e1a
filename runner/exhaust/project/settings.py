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
from exhaust.project.package import IS_CHECKOUT, OWN_PACKAGE, package_dir
from exhaust.project.profile import (
    EXAMPLE,
    Profile,
    example_profiles,
    find_profiles,
    is_file_path,
    read_profile,
)
from exhaust.project.trust import check_is_ours
from exhaust.project.variables import Variables, public_keys, read_variables, set_in
from exhaust.project.web_settings import WebSettings
from exhaust.project.yaml_file import read_yaml


@dataclass(frozen=True)
class Settings:
    project_dir: Path
    package_dir: Path
    """The folder of the models; it does not exist until dbt has installed the package there."""
    work_dir: Path
    """The folder for dbt's artefacts and logs. Unless this is the demo, it is the project's."""
    profiles_file: Path
    profile: Profile
    landing_schema: str
    report_timezone: ZoneInfo
    require_requester: bool = False
    """Whether everyone has to give a user ID."""
    results_dir: Path = Path("results")
    """The folder for the files of requests."""
    worker_key: Path = Path(".worker-key")
    """The file of the key that opens passwords, from the folder of results."""
    shared_results_dir: Path | None = None
    """The folder of earlier versions, which all targets had in common."""
    results_retention: timedelta = timedelta(days=30)
    max_batches_per_request: int = 20
    max_requests_under_way: int = 20
    """How many requests of one user may wait or be processed at a time."""
    receipt_public_keys: Mapping[str, str] = field(default_factory=dict)
    """The Ed25519 public keys that a receipt may be signed by, by ID; none: none is demanded."""
    web: WebSettings = field(default_factory=WebSettings)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    """The variables that the profile was rendered with; dbt runs with the same."""
    variables: Variables = field(default_factory=Variables, repr=False)

    @property
    def uses_example(self) -> bool:
        """Whether the profile is the example, because there is no other."""
        return self.profiles_file.name == EXAMPLE

    @property
    def worker_key_file(self) -> Path:
        return self.results_dir / self.worker_key

    @property
    def has_own_landing_schema(self) -> bool:
        """Whether the project names the landing schema of this very target."""
        return self.variables.is_of_target("landing_schema")

    def with_variables(self, values: Mapping[str, Any]) -> "Settings":
        """Returns the settings of a build with these variables, given to dbt as `--vars`.

        Raises UsageError that names the variable if one has the wrong type or value.
        """
        variables = self.variables.overridden(values)
        profile = self.profile
        if "lock_timeout_minutes" in values:
            profile = replace(profile, lock_timeout=_lock_timeout(variables))
        return replace(
            self,
            variables=variables,
            profile=profile,
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
    work_dir: Path | None = None,
    console: Console = SILENCE,
) -> Settings:
    """Reads dbt_project.yml and the profile; an argument left out comes from the environment.

    `use_example` takes profiles.example.yml even if there are other profiles. `work_dir` is the
    folder for what builds leave behind, if that is not the project's. Raises UsageError if a file
    or a setting is missing or wrong; never quotes a value of the profile.
    """
    environment = _with_absolute_path(environ)
    project = find_project(project_dir, environ)
    file = project / "dbt_project.yml"
    config = read_yaml(file)
    package = package_dir(project, config, environ)
    name = config.get("profile", "exhaust")
    profiles_file = (
        example_profiles(project)
        if use_example
        else find_profiles(
            project, profiles_dir, environ, name, is_named=_named(project_dir, environ) is not None
        )
    )
    work_dir = work_dir or project
    profile = read_profile(
        profiles_file, name, target or environ.get("EXHAUST_TARGET"), work_dir, environment
    )
    variables = read_variables(config, file, profile.target, _defaults(project, package), console)
    profile = replace(profile, lock_timeout=_lock_timeout(variables))
    results = work_dir / variables.get("results_dir", "results")
    has_own_results = variables.is_of_target("results_dir")
    return Settings(
        project_dir=project,
        package_dir=package,
        work_dir=work_dir,
        profiles_file=profiles_file,
        profile=profile,
        landing_schema=variables.get("landing_schema", ""),
        report_timezone=ZoneInfo(variables.get("report_timezone", "")),
        require_requester=variables.get("require_requester", False),
        results_dir=results if has_own_results else results / profile.target,
        worker_key=Path(variables.get("worker_key_file", ".worker-key")),
        shared_results_dir=None if has_own_results else results,
        results_retention=timedelta(days=variables.get("results_retention_days", 30)),
        max_batches_per_request=variables.get("max_batches_per_request", 20),
        max_requests_under_way=variables.get("max_requests_under_way", 20),
        receipt_public_keys=public_keys(variables.values, variables.source),
        web=WebSettings.of(variables),
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
    project = find_project_if_any(project_dir, environ)
    if project is None:
        return {}
    file = project / "dbt_project.yml"
    return public_keys(set_in(read_yaml(file)), str(file))


def find_project(project_dir: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Returns the folder of the project: as given, else the nearest with a dbt_project.yml, else
    the checkout that the command was installed from.

    Raises UsageError if there is none, PermissionDenied if the nearest may not be the caller's.
    """
    named = _named(project_dir, environ)
    if named:
        folder = named.absolute()
        if not (folder / "dbt_project.yml").is_file():
            raise UsageError(
                f"{folder} has no dbt_project.yml.",
                "Give the folder of the project with --project-dir.",
            )
        return folder
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dbt_project.yml").is_file():
            check_is_ours(folder / "dbt_project.yml")
            return folder
    if IS_CHECKOUT:
        return OWN_PACKAGE
    raise UsageError(
        f"There is no dbt_project.yml in {here} or in a folder above it.",
        "`exhaust init` makes a project. If you have one, change to its folder, or give it with "
        "--project-dir.",
    )


def find_project_if_any(
    project_dir: Path | None, environ: Mapping[str, str] = os.environ
) -> Path | None:
    """Returns the folder of the project as `find_project` does, or None where none was named and
    there is none."""
    try:
        return find_project(project_dir, environ)
    except UsageError:
        if _named(project_dir, environ):
            raise
        return None


def _named(project_dir: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Returns the folder of the project if the user named one."""
    named = project_dir or environ.get("EXHAUST_PROJECT_DIR")
    return Path(named) if named else None


def _defaults(project: Path, package: Path) -> dict[str, Any]:
    """Returns the variables of the package, which count where the project does not set them."""
    if package == project:
        return {}
    folder = package if (package / "dbt_project.yml").is_file() else OWN_PACKAGE
    return set_in(read_yaml(folder / "dbt_project.yml"))


def _lock_timeout(variables: Variables) -> timedelta:
    return timedelta(minutes=variables.get("lock_timeout_minutes", 10))


def _with_absolute_path(environ: Mapping[str, str]) -> dict[str, str]:
    """Makes a path given from here absolute, because dbt runs in the project's folder."""
    environment = dict(environ)
    path = environment.pop("EXHAUST_DUCKDB_PATH", "")
    if path:
        environment["EXHAUST_DUCKDB_PATH"] = (
            str(Path(path).expanduser().absolute()) if is_file_path(path) else path
        )
    return environment
