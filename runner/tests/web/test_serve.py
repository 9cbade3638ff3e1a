"""`exhaust serve` as a process: how people get in, its workers, and how it ends."""

import re
import signal
import socket
import stat
from pathlib import Path

import httpx
import psutil
import pytest
from handmade_marts import CREATOR, MATHS, create_marts
from serve_support import serving
from support import wait_until
from web_support import site

from exhaust import api
from exhaust.errors import UsageError
from exhaust.project.settings import Settings
from exhaust.warehouse import connect
from exhaust.web.metrics import serving_metrics
from exhaust.web.server import Address


@pytest.fixture
def project(settings_duckdb: Settings) -> Settings:
    with connect(settings_duckdb.profile, writing=True) as warehouse:
        create_marts(warehouse, settings_duckdb)
    return settings_duckdb


def test_a_person_signs_in_and_finds_a_course(project: Settings, tmp_path: Path) -> None:
    with serving(project, tmp_path, "--as", CREATOR, "--workers", "0") as server:
        client = server.client()
        assert f"/courses/{MATHS}" in client.get("/").text
        assert client.get("/ready").text == "ready\n"
        assert "token" not in server.log.replace(server.address(), "")


def test_a_worker_that_dies_is_started_again_and_ends_with_the_server(
    project: Settings, tmp_path: Path
) -> None:
    with serving(project, tmp_path, "--as", CREATOR) as server:
        wait_until(lambda: len(server.workers()) == 1)
        (first,) = server.workers()
        first.kill()
        wait_until(lambda: [one.pid for one in server.workers()] not in ([], [first.pid]))
        (second,) = server.workers()
        server.child.kill()
        wait_until(lambda: not second.is_running() or second.status() == psutil.STATUS_ZOMBIE)
        assert "starting it again" in server.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_its_workers(
    project: Settings, tmp_path: Path, number: signal.Signals
) -> None:
    with serving(project, tmp_path, "--as", CREATOR) as server:
        server.client()
        wait_until(lambda: len(server.workers()) == 1)
        (worker,) = server.workers()
        server.child.send_signal(number)
        assert server.child.wait(30) == (0 if number is signal.SIGTERM else 130)
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
        assert "Traceback" not in server.log


def test_metrics_have_a_port_of_their_own_and_name_nobody(
    project: Settings, tmp_path: Path
) -> None:
    api.submit(project, MATHS, user_id=CREATOR)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with site(project) as opened, serving_metrics(opened, port):
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    assert 'exhaust_requests{state="submitted"} 1.0' in text
    assert "exhaust_queue_age_seconds" in text
    assert "exhaust_build_timestamp_seconds 1.7935344e+09" in text
    assert set(re.findall(r"\{(\w+)=", text)) == {"state"}
    assert MATHS not in text


def test_a_socket_is_for_its_owner_and_group(tmp_path: Path) -> None:
    file = tmp_path / "web.sock"
    address = Address(f"unix:{file}", 0)
    with address.listening() as opened:
        assert stat.S_IMODE(file.stat().st_mode) == 0o660
        opened.listen()
        with pytest.raises(UsageError, match="another server answers"), address.listening():
            pass
    assert not file.exists()
    # What a killed server left is replaced.
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(file))
    with address.listening():
        assert file.exists()


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with Address("127.0.0.1", 0).listening() as opened:
        opened.listen()
        port = opened.getsockname()[1]
        with (
            pytest.raises(UsageError, match=f"port {port}"),
            Address("127.0.0.1", port).listening(),
        ):
            pass
