"""Compares a file that somebody sent with its receipt, in a process of its own with limits.

Whoever sends a file may have made it to break whatever reads it. `caged_child.py` is the process.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from os import defpath
from pathlib import Path
from typing import Any

from exhaust.reports.verify import Verification
from exhaust.text import Message

MAX_UNPACKED_BYTES = 1_000_000_000
"""How large a file may be when it is unpacked, and each file that reading it needs."""
MAX_MEMORY_BYTES = 2_000_000_000
MAX_SECONDS = 20
MAX_ANSWER_BYTES = 1 << 20
PACKAGES = Path(__file__).parents[2]
"""Where the process finds this package; its libraries are those of the interpreter."""


@dataclass(frozen=True)
class Limits:
    seconds: int = MAX_SECONDS
    memory_bytes: int = MAX_MEMORY_BYTES
    unpacked_bytes: int = MAX_UNPACKED_BYTES


@dataclass(frozen=True)
class Subject:
    """What a receipt says that its file is about."""

    course_id: str
    batch_ids: list[str]
    root_org_id: str | None
    """The root organisation of the learners; None if they are all learners."""


@dataclass(frozen=True)
class Problem:
    """Why a file was not compared."""

    code: str
    """That of an error of `exhaust.errors`, or `too_much`."""
    message: str
    hint: str | None


@dataclass(frozen=True)
class Comparison:
    """What is known of a file that was sent: either a verification or a problem."""

    subject: Subject | None
    """None if the receipt could not be read."""
    verification: Verification | None
    problem: Problem | None


TOO_MUCH = Problem(
    "too_much",
    Message(
        "The file was not checked: it is damaged, or reading it takes too long or too much memory."
    ),
    Message("Get the file again, or check it with `exhaust verify` on your own computer."),
)


def compare(
    file: Path,
    receipt: Path,
    public_keys: Mapping[str, str],
    password: str | None = None,
    limits: Limits = Limits(),
) -> Comparison:
    """Compares a file with a receipt as `verify` does. Both are in one folder, which only the
    caller may enter: temporary files are made there too."""
    task = {
        "file": file.name,
        "receipt": str(receipt.relative_to(file.parent)),
        "public_keys": dict(public_keys),
        "password": password,
        "limits": vars(limits),
    }
    output = file.parent / ".answer"
    with output.open("wb") as answer:
        try:
            ended = subprocess.run(
                [sys.executable, "-P", "-s", "-m", "exhaust.reports.caged_child"],
                input=json.dumps(task).encode(),
                stdout=answer,
                stderr=subprocess.DEVNULL,
                cwd=file.parent,
                env=_environment(file.parent),
                timeout=limits.seconds,
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Comparison(None, None, TOO_MUCH)
    content = _read(output) if ended.returncode == 0 else None
    return Comparison(None, None, TOO_MUCH) if content is None else _comparison(content)


def _environment(folder: Path) -> dict[str, str]:
    """Returns an environment without any of the server's secrets."""
    return {
        "PATH": defpath,
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "PYTHONPATH": str(PACKAGES),
    }


def _read(output: Path) -> dict[str, Any] | None:
    with output.open("rb") as answer:
        content = answer.read(MAX_ANSWER_BYTES + 1)
    return json.loads(content) if len(content) <= MAX_ANSWER_BYTES else None


def _comparison(content: Mapping[str, Any]) -> Comparison:
    subject, found, problem = (content[name] for name in ("subject", "verification", "problem"))
    return Comparison(
        subject and Subject(**subject),
        found and Verification(**found),
        problem and Problem(**problem),
    )
