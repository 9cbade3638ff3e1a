"""What a command works on: the project, and the warehouse that dbt's profile names."""

import ast
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from exhaust.errors import UsageError

ENGINES = ("duckdb", "postgres", "spark")

Value = TypeVar("Value", bool, int, str)


@dataclass(frozen=True)
class Profile:
    """One output of dbt's profiles.yml."""

    target: str
    engine: str
    schema: str
    """Where the marts live."""
    options: Mapping[str, Any] = field(repr=False)
    """The output, rendered; for DuckDB `path` is absolute. Holds the password."""
    project_dir: Path = Path()
    """Where its relative paths begin."""


@dataclass(frozen=True)
class Settings:
    project_dir: Path
    profiles_dir: Path
    profile: Profile
    landing_schema: str
    report_timezone: ZoneInfo
    require_requester: bool = False
    """Whether everybody has to say who asks."""
    results_dir: Path = Path("results")
    """Where the files of requests go."""
    results_kept: timedelta = timedelta(days=30)
    most_batches: int = 20
    """How many a request may be for."""
    uses_example: bool = False
    """Whether the profile comes from the project's profiles.example.yml, for want of another."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    """What the profile was rendered with; dbt is run with the same."""


def read_settings(
    project_dir: Path | None = None,
    profiles_dir: Path | None = None,
    target: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    use_example: bool = False,
) -> Settings:
    """Reads dbt_project.yml and the profile; an argument left out comes from the environment.

    `use_example` takes the project's profiles.example.yml whatever other profiles there are.
    Raises UsageError if anything is not there or cannot be read; never with a value of the profile.
    """
    environment = _with_absolute_path(environ)
    project = find_project(project_dir, environ)
    project_file = project / "dbt_project.yml"
    config = _read_yaml(project_file)
    name = config.get("profile", "exhaust")
    profiles_file = (
        project / "profiles.example.yml"
        if use_example
        else _find_profiles(project, profiles_dir, environ, name)
    )
    try:
        variables = config["vars"]
        landing_schema = str(variables["landing_schema"])
        timezone = str(variables["report_timezone"])
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"{project_file} does not set the variables landing_schema and report_timezone: "
            "this is not the project of exhaust.",
            "Give its folder by --project-dir.",
        ) from error
    return Settings(
        project_dir=project,
        profiles_dir=profiles_file.parent,
        profile=_read_profile(
            profiles_file, name, target or environ.get("EXHAUST_TARGET"), project, environment
        ),
        landing_schema=landing_schema,
        report_timezone=_timezone(timezone, project_file),
        require_requester=_variable(variables, "require_requester", False, project_file),
        results_dir=project / _variable(variables, "results_dir", "results", project_file),
        results_kept=timedelta(days=_variable(variables, "results_days", 30, project_file)),
        most_batches=_variable(variables, "most_batches", 20, project_file),
        uses_example=profiles_file.name != "profiles.yml",
        environment=environment,
    )


def find_project(project_dir: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the project; UsageError if it is not one, or there is none."""
    given = project_dir or environ.get("EXHAUST_PROJECT_DIR")
    if given:
        folder = Path(given).absolute()
        if not (folder / "dbt_project.yml").is_file():
            raise UsageError(
                f"{folder} holds no dbt_project.yml.",
                "Give the folder of the project by --project-dir.",
            )
        return folder
    here = Path.cwd()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        if (folder / "dbt_project.yml").is_file():
            return folder
    raise UsageError(
        f"Neither {here} nor a folder above it holds a dbt_project.yml.",
        "Go to the project's folder, or give it by --project-dir.",
    )


def _with_absolute_path(environ: Mapping[str, str]) -> dict[str, str]:
    """dbt runs in the project's folder, so a path given from here has to be absolute."""
    environment = dict(environ)
    path = environment.pop("EXHAUST_DUCKDB_PATH", "")
    if path:
        environment["EXHAUST_DUCKDB_PATH"] = (
            path if _is_no_file(path) else str(Path(path).expanduser().absolute())
        )
    return environment


def _is_no_file(path: str) -> bool:
    """`:memory:`, `md:name` and the like."""
    return re.match(r"\w*:", path) is not None


def _find_profiles(
    project: Path, profiles_dir: Path | None, environ: Mapping[str, str], name: str
) -> Path:
    given = profiles_dir or environ.get("EXHAUST_PROFILES_DIR")
    if given:
        file = Path(given).absolute() / "profiles.yml"
        if not file.is_file():
            raise UsageError(
                f"{file.parent} holds no profiles.yml.",
                f"Copy {project / 'profiles.example.yml'} there, or give another --profiles-dir.",
            )
        if name not in _read_yaml(file):
            raise UsageError(
                f"{file} has no profile `{name}`.",
                f"Copy it from {project / 'profiles.example.yml'}.",
            )
        return file
    if environ.get("DBT_PROFILES_DIR"):
        folders = [Path(environ["DBT_PROFILES_DIR"]).absolute()]
    else:
        folders = [Path.cwd(), project, Path.home() / ".dbt"]
    found = next((file for folder in folders if (file := folder / "profiles.yml").is_file()), None)
    if found and name in _read_yaml(found):
        return found
    return project / "profiles.example.yml"


def _read_yaml(file: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8.") from error
    except yaml.YAMLError as error:
        # Not the parser's own words: they quote the line, and there may be a password in it.
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise UsageError(f"{file}{line}: this is not valid YAML.") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{file} is not a map of names and values.")
    return content


def _read_profile(
    file: Path, name: str, target: str | None, project: Path, environment: Mapping[str, str]
) -> Profile:
    profile = _read_yaml(file).get(name)
    outputs = profile.get("outputs") if isinstance(profile, dict) else None
    if not isinstance(profile, dict) or not isinstance(outputs, dict):
        raise UsageError(
            f"The profile `{name}` in {file} has no outputs.",
            f"Compare it with {project / 'profiles.example.yml'}.",
        )
    if not target:
        target = str(_render(profile.get("target", "default"), f"{file}, target", environment))
    if target not in outputs:
        raise UsageError(
            f"The profile `{name}` in {file} has no target `{target}`.",
            f"Its targets are: {', '.join(map(str, outputs))}.",
        )
    where = f"{file}, {target}"
    options = _render(outputs[target], where, environment)
    engine = options.get("type") if isinstance(options, dict) else None
    if engine not in ENGINES:
        raise UsageError(
            f"The target `{target}` in {file} is of type `{engine}`.",
            f"exhaust works on: {', '.join(ENGINES)}.",
        )
    if engine == "duckdb":
        options["path"] = _duckdb_path(options.get("path"), where, project)
        options.setdefault("schema", "main")
    if not options.get("schema"):
        raise UsageError(f"{where}: `schema` is missing.")
    return Profile(
        target=target,
        engine=engine,
        schema=str(options["schema"]),
        options=options,
        project_dir=project,
    )


def _duckdb_path(path: object, where: str, project: Path) -> str:
    if not path or _is_no_file(str(path)):
        raise UsageError(
            f"{where}: `path` names no file, and what is loaded has to stay for the next command.",
            "Give a file by EXHAUST_DUCKDB_PATH or in profiles.yml.",
        )
    return str(project / Path(str(path)).expanduser())


def _render(value: Any, where: str, environment: Mapping[str, str]) -> Any:
    """Renders the texts of a profile as dbt does: `env_var` and the filters that give a type."""
    if isinstance(value, dict):
        return {key: _render(item, f"{where}.{key}", environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item, where, environment) for item in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    return _render_text(value, where, environment)


def _render_text(text: str, where: str, environment: Mapping[str, str]) -> Any:
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    wanted: str | None = None

    def env_var(name: str, default: object = None) -> object:
        if name in environment:
            return environment[name]
        if default is None:
            raise UsageError(
                f"{where}: the environment variable {name} is not set.",
                f"Set {name}, or give it a default in the profile.",
            )
        return default

    def marks(kind: str) -> Any:
        def mark(item: object) -> object:
            nonlocal wanted
            wanted = kind
            return item

        return mark

    jinja = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    jinja.filters["as_text"] = lambda item: item
    jinja.filters["as_number"] = marks("number")
    jinja.filters["as_bool"] = marks("bool")
    jinja.filters["as_native"] = marks("native")
    try:
        rendered = jinja.from_string(text).render(env_var=env_var)
    except (TemplateError, TypeError) as error:
        if "password" in where.rpartition(".")[2]:
            return text  # As dbt does: passwords may look like Jinja.
        raise UsageError(f"{where}: this is not valid Jinja, or uses more than env_var.") from error
    if wanted is None:
        return rendered
    native: object
    try:
        native = ast.literal_eval(rendered)
    except (ValueError, SyntaxError):
        native = rendered
    is_bool = isinstance(native, bool)
    if (wanted == "bool" and not is_bool) or (
        wanted == "number" and (is_bool or not isinstance(native, int | float))
    ):
        raise UsageError(f"{where}: this is not a {wanted}.")
    return native


def _variable(variables: Mapping[str, Any], name: str, default: Value, file: Path) -> Value:
    value = variables.get(name, default)
    if type(value) is not type(default):
        raise UsageError(f"{file}: {name} is not of the kind of `{default}`.")
    return value  # type: ignore[no-any-return]


def _timezone(name: str, file: Path) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(
            f"{file}: report_timezone `{name}` is no time zone.",
            "Give a name such as Asia/Kolkata.",
        ) from error
