"""Kills a copy of a report at each of its steps, and looks at what it leaves.

A program of its own, because it forks, and the hooks of Python that stop it cannot be removed.
"""

import json
import os
import signal
import sys
import tempfile
from hashlib import sha256
from itertools import count
from pathlib import Path

from exhaust.reports.pair import copy_report
from exhaust.reports.receipt import receipt_path

STEPS = ("open", "os.rename", "os.remove", "os.scandir", "os.chmod", "fcntl.flock")
"""Python announces each before it is done."""


def write(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    receipt_path(file).write_text(json.dumps({"sha256": sha256(content).hexdigest()}))


def copy_and_die(source: Path, target: Path, step: int) -> bool:
    """Copies in a process that is killed before a step; returns whether it ended before that."""
    child = os.fork()
    if not child:
        steps = count(1)

        def stop(event: str, _: object) -> None:
            if event in STEPS and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(stop)
        copy_report(source, target, is_named=False)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def check(file: Path, step: int) -> None:
    """A report is what its receipt says, or one of them is missing: never a mix."""
    if file.exists():
        receipt = json.loads(receipt_path(file).read_text())
        assert receipt["sha256"] == sha256(file.read_bytes()).hexdigest(), f"a mix, step {step}"


def main() -> None:
    with tempfile.TemporaryDirectory() as root:
        source = Path(root) / "source" / "report.csv"
        write(source, b"new")
        for step in count(1):
            target = Path(root) / str(step) / "report.csv"
            write(target, b"old")
            has_ended = copy_and_die(source, target, step)
            check(target, step)
            copy_report(source, target, is_named=False)
            check(target, step)
            left = sorted(path.name for path in target.parent.iterdir())
            assert left == [target.name, receipt_path(target).name], f"step {step}: {left}"
            if has_ended:
                print(step - 1)
                return


if __name__ == "__main__":
    main()
