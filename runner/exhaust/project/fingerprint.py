"""A hash of a package's models and macros, which tells whether marts were built with others."""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

LAYERS = ("staging", "intermediate", "marts", "reports")
MACRO = re.compile(r"\{%-?\s*macro\s+(\w+).*?\{%-?\s*endmacro\s*-?%\}", re.DOTALL)


@cache
def models_hash(package_dir: Path) -> str:
    """Returns the hash that `models_hash` in macros/hooks/completeness.sql records with a build."""
    lines = sorted([*_models(package_dir), *_macros(package_dir)])
    return _md5("\n".join(lines))


def _models(package_dir: Path) -> Iterator[str]:
    for layer in LAYERS:
        for file in (package_dir / "models" / layer).rglob("*.sql"):
            digest = hashlib.sha256(file.read_text("utf-8").strip().encode()).hexdigest()
            yield f"model {file.stem} {digest}"


def _macros(package_dir: Path) -> Iterator[str]:
    for file in (package_dir / "macros").rglob("*.sql"):
        for macro in MACRO.finditer(file.read_text("utf-8")):
            yield f"macro {macro[1]} {_md5(macro[0])}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
