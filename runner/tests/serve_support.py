"""`exhaust serve` as a process, for tests."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
from support import PROJECT, wait_until

from exhaust.project.settings import Settings

PROGRAM = [sys.executable, "-c", "from exhaust.cli import main; main()"]


class Server:
    """A running server; the log is what it printed."""

    def __init__(self, child: subprocess.Popen[bytes], log: Path) -> None:
        self.child = child
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8")

    def address(self) -> str:
        """Returns the address that signs in, when it was printed."""
        pattern = re.compile(r"Sign in, once, at (\S+)")
        wait_until(lambda: pattern.search(self.log) is not None)
        found = pattern.search(self.log)
        assert found
        return found[1]

    def wait(self) -> None:
        """Waits until the server answers."""
        with httpx.Client(base_url=self.address().partition("/sign-in")[0]) as client:
            wait_until(lambda: answers(client))

    def client(self) -> httpx.Client:
        """Returns a client that is signed in."""
        address = self.address()
        client = httpx.Client(base_url=address.partition("/sign-in")[0], follow_redirects=True)
        self.wait()
        assert client.get(address).status_code == 200
        return client

    def workers(self) -> list[psutil.Process]:
        return [*psutil.Process(self.child.pid).children()]


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def serving(project: Settings, tmp_path: Path, *options: str) -> Iterator[Server]:
    log = tmp_path / "log"
    environment = {
        **project.environment,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "EXHAUST_PROFILES_DIR": str(profiles(tmp_path)),
        "HOME": str(tmp_path),
    }
    folder = project.project_dir
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*PROGRAM, "serve", "--port", "0", "--no-browser", *options],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        ) as child,
    ):
        try:
            yield Server(child, log)
        finally:
            child.kill()


def profiles(tmp_path: Path) -> Path:
    """Returns a folder with the example as the profile."""
    example = (PROJECT / "profiles.example.yml").read_text("utf-8")
    (tmp_path / "profiles.yml").write_text(example, "utf-8")
    return tmp_path
