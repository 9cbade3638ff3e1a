"""dbt's profile: which warehouse a target names, rendered as dbt renders it."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from exhaust.errors import UsageError
from exhaust.project.package import NAME, OWN_PACKAGE
from exhaust.project.trust import check_is_ours
from exhaust.project.yaml_file import read_yaml

EXAMPLE = "profiles.example.yml"
ENGINES = ("duckdb", "postgres", "spark")
DEFAULTS: Mapping[str, Mapping[str, str]] = {"duckdb": {"schema": "main"}}
"""What dbt's adapters fill in where an output leaves it out."""

MAX_IDENTIFIER_BYTES = {"postgres": 63}
"""The longest names of engines that cut longer ones without an error."""
LONGEST_SUFFIX = "_intermediate"
"""The longest ending of the schemas next to that of the marts."""


@dataclass(frozen=True)
class Profile:
    """One output of profiles.yml."""

    target: str
    engine: str
    schema: str
    """The schema of the marts."""
    options: Mapping[str, Any] = field(repr=False)
    """The rendered output. It holds the password."""
    project_dir: Path = Path()
    """The folder that relative paths start from."""
    environment: frozenset[str] = frozenset()
    """The names of the environment variables that it reads."""
    lock_timeout: timedelta = timedelta(minutes=10)
    """How long to wait for a lock on PostgreSQL; a variable of the project."""

    @property
    def requests_schema(self) -> str:
        """The schema of the ledger, where it is in the warehouse."""
        return f"{self.schema}_requests"


def is_file_path(path: str) -> bool:
    """Returns whether a DuckDB path is a file, and not `:memory:`, `md:name` or the like."""
    return re.match(r"\w*:", path) is None


def find_profiles(
    project: Path,
    profiles_dir: Path | None,
    environ: Mapping[str, str],
    name: str,
    *,
    is_named: bool = False,
) -> Path:
    """Returns the file with the profile `name`: as dbt finds it, else the example.

    `is_named` says that the user named the project. Raises UsageError if a folder is given and has
    no such profile, or if none is found and the profile has another name than the example's;
    PermissionDenied if the profile was found in a folder that may not be the caller's.
    """
    example = example_profiles(project)
    given = profiles_dir or environ.get("EXHAUST_PROFILES_DIR") or environ.get("DBT_PROFILES_DIR")
    if given:
        file = Path(given).absolute() / "profiles.yml"
        if not file.is_file():
            raise UsageError(
                f"{file.parent} has no profiles.yml.",
                f"Copy {example} there, or give another --profiles-dir.",
            )
        if name not in read_yaml(file):
            raise UsageError(
                f"{file} has no profile `{name}`.",
                f"Copy it from {example}.",
            )
        return file
    folders = [Path.cwd(), project, Path.home() / ".dbt"]
    found = next((file for folder in folders if (file := folder / "profiles.yml").is_file()), None)
    if found and found.parent != folders[-1] and not (is_named and found.parent == project):
        check_is_ours(found)
    if found and name in read_yaml(found):
        return found
    if name != NAME:
        looked_in = ", ".join(str(folder / "profiles.yml") for folder in dict.fromkeys(folders))
        raise UsageError(
            f"There is no profile `{name}`, which {project / 'dbt_project.yml'} names (looked in "
            f"{found or looked_in}).",
            "Give the folder of its profiles.yml with --profiles-dir.",
        )
    return example


def example_profiles(project: Path) -> Path:
    """Returns the example of the project, else the one of this command's package."""
    own = project / EXAMPLE
    return own if own.is_file() else OWN_PACKAGE / EXAMPLE


def read_profile(
    file: Path, name: str, target: str | None, project: Path, environment: Mapping[str, str]
) -> Profile:
    """Reads one target of a profile; without `target`, the profile's own default.

    Raises UsageError if it is missing or cannot be rendered; never quotes a value.
    """
    profile = read_yaml(file).get(name)
    outputs = profile.get("outputs") if isinstance(profile, dict) else None
    if not isinstance(profile, dict) or not isinstance(outputs, dict):
        raise UsageError(
            f"The profile `{name}` in {file} has no outputs.",
            f"Compare it with {example_profiles(project)}.",
        )
    variables = _Environment(environment)
    if not target:
        target = str(_render(profile.get("target", "default"), f"{file}, target", variables))
    if target not in outputs:
        raise UsageError(
            f"The profile `{name}` in {file} has no target `{target}`.",
            f"Its targets are: {', '.join(map(str, outputs))}.",
        )
    where = f"{file}, {target}"
    options = _render(outputs[target], where, variables)
    engine = options.get("type") if isinstance(options, dict) else None
    if engine not in ENGINES:
        raise UsageError(
            f"The target `{target}` in {file} is of type `{engine}`.",
            f"exhaust works with: {', '.join(ENGINES)}.",
        )
    options = {**DEFAULTS.get(engine, {}), **options}
    if not options.get("schema"):
        raise UsageError(f"{where}: `schema` is missing.")
    schema = str(options["schema"])
    _check_length(schema, engine, where)
    return Profile(
        target=target,
        engine=engine,
        schema=schema,
        options=options,
        project_dir=project,
        environment=frozenset(variables.read),
    )


def _check_length(schema: str, engine: str, where: str) -> None:
    longest = MAX_IDENTIFIER_BYTES.get(engine)
    if longest and len(f"{schema}{LONGEST_SUFFIX}".encode()) > longest:
        raise UsageError(
            f"{where}: `schema` has {len(schema.encode())} bytes. The longest name that is made "
            f"from it, `<schema>{LONGEST_SUFFIX}`, can have at most {longest}.",
            f"Choose a name of at most {longest - len(LONGEST_SUFFIX)} bytes.",
        )


class _Environment:
    """The environment of a profile; it remembers which variables the profile reads."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.read: set[str] = set()

    def get(self, name: str) -> str | None:
        self.read.add(name)
        return self._values.get(name)


def _render(value: Any, where: str, environment: _Environment) -> Any:
    """Renders the strings of a profile as dbt does: `env_var` and the filters that set a type."""
    if isinstance(value, dict):
        return {key: _render(item, f"{where}.{key}", environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item, where, environment) for item in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    rendered, kind = _render_text(value, where, environment)
    return rendered if kind is None else _converted(rendered, kind, where)


def _render_text(text: str, where: str, environment: _Environment) -> tuple[str, str | None]:
    """Returns the rendered text and the type that a filter asks for."""
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    kind: str | None = None

    def env_var(name: str, default: object = None) -> object:
        value = environment.get(name)
        if value is not None:
            return value
        if default is None:
            raise UsageError(
                f"{where}: the environment variable {name} is not set.",
                f"Set {name}, or give it a default in the profile.",
            )
        return default

    def asks_for(wanted: str) -> Any:
        def keep(item: object) -> object:
            nonlocal kind
            kind = wanted
            return item

        return keep

    jinja = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    jinja.filters["as_text"] = lambda item: item
    jinja.filters["as_number"] = asks_for("number")
    jinja.filters["as_bool"] = asks_for("bool")
    jinja.filters["as_native"] = asks_for("native")
    try:
        return jinja.from_string(text).render(env_var=env_var), kind
    except (TemplateError, TypeError) as error:
        if "password" in where.rpartition(".")[2]:
            return text, None  # As in dbt: a password may look like Jinja.
        raise UsageError(
            f"{where}: this is not valid Jinja, or it uses more than env_var."
        ) from error


def _converted(rendered: str, kind: str, where: str) -> object:
    native: object
    try:
        native = ast.literal_eval(rendered)
    except (ValueError, SyntaxError):
        native = rendered
    is_bool = isinstance(native, bool)
    is_number = isinstance(native, int | float) and not is_bool
    if (kind == "bool" and not is_bool) or (kind == "number" and not is_number):
        raise UsageError(f"{where}: this is not a {kind}.")
    return native
