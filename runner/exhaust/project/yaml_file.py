"""YAML files of the project, read with errors that a user can act on."""

from pathlib import Path
from typing import Any

from exhaust.errors import UsageError


def read_yaml(file: Path) -> dict[str, Any]:
    """Returns the mapping in a YAML file; an empty file is an empty mapping.

    Raises UsageError if the file cannot be read or holds anything else.
    """
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8.") from error
    except yaml.YAMLError as error:
        # Not the parser's own message: it quotes the line, which may hold a password.
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise UsageError(f"{file}{line}: this is not valid YAML.") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"{file} is not a mapping of names to values.")
    return content
