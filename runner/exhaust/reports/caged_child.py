"""The process in which `caged` compares a file with its receipt: it reads its task from standard
input, and writes what it found to standard output, as JSON."""

import json
import os
import resource
import signal
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from exhaust.errors import DataError, ExhaustError
from exhaust.reports.receipt_reader import ReadReceipt
from exhaust.reports.verify import verify

NICENESS = 10
"""How far the process steps back for the server."""
MAX_FILES = 64


def main() -> None:
    """Compares a file with its receipt. Ends by a signal if that takes too much."""
    task = json.load(sys.stdin)
    _limit(**task["limits"])
    print(json.dumps(_answer(task)))


def _limit(seconds: int, memory_bytes: int, unpacked_bytes: int) -> None:
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: unpacked_bytes,
        resource.RLIMIT_NOFILE: MAX_FILES,
        resource.RLIMIT_CORE: 0,
    }
    # macOS has this limit, but refuses to set it.
    if sys.platform != "darwin":
        limits[resource.RLIMIT_AS] = memory_bytes
    for what, most in limits.items():
        _, allowed = resource.getrlimit(what)
        most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(what, (most, most))
    # Also if the server is killed, and nobody waits any more.
    signal.alarm(seconds)
    os.nice(NICENESS)


def _answer(task: dict[str, Any]) -> dict[str, Any]:
    answer = dict.fromkeys(("subject", "verification", "problem"))
    file = Path(task["file"])
    try:
        receipt = ReadReceipt.of(Path(task["receipt"]))
        answer["subject"] = {
            "course_id": receipt.content["course"]["id"],
            "batch_ids": [batch["id"] for batch in receipt.content["batches"]],
            "root_org_id": receipt.content["filters"]["root_org_id"],
        }
        _check_unpacked(file, task["limits"]["unpacked_bytes"])
        found = verify(file, receipt.path, task["public_keys"], task["password"])
        answer["verification"] = asdict(found)
    except ExhaustError as error:
        answer["problem"] = {"code": error.code, "message": error.message, "hint": error.hint}
    return answer


def _check_unpacked(file: Path, most: int) -> None:
    """Raises DataError for an archive that says itself that it is too large."""
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return
    if size > most:
        raise DataError(
            f"The file has {size:,} bytes when it is unpacked; {most:,} are read here.",
            "Check it with `exhaust verify` on your own computer.",
        )


if __name__ == "__main__":
    main()
