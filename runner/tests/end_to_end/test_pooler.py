"""The commands through a pooler in transaction mode, whose sessions other clients have changed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest
from handmade_marts import CREATOR, MATHS, create_marts
from pooler import PORT, Pooler
from support import GOLDEN, NO_MESSAGES, SCENARIOS, export_all, load_extract

from exhaust import api
from exhaust.marts.state import open_marts
from exhaust.pipeline.build import build
from exhaust.project.settings import Settings
from exhaust.requests.entities import Status
from exhaust.requests.ledger import Ledger
from exhaust.warehouse import connect

SAMPLE = SCENARIOS["sample"]
LEFT_BEHIND = """
set search_path = nowhere; set extra_float_digits = -15; set lock_timeout = 1;
set bytea_output = 'escape'
"""
"""What another client may leave in a session."""

LEFT_BEHIND_IN_THE_ONLY_ONE = f"""
{LEFT_BEHIND}; set timezone = 'Asia/Kolkata'; set datestyle = 'German';
set intervalstyle = 'sql_standard'; set standard_conforming_strings = off
"""
"""PgBouncer makes these the same for a client in all sessions."""

Pooled = Callable[[int], Settings]


@pytest.fixture
def pooled(
    settings_postgres: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pooled]:
    """Returns a function that makes a project of an empty database behind a pooler of a size."""
    with ExitStack() as stack:

        def listen(size: int) -> Settings:
            folder = tmp_path_factory.mktemp("pooler")
            profile = settings_postgres.profile
            server = str(profile.options["host"])
            stack.enter_context(Pooler.listening(folder, server, size))
            options = {**profile.options, "host": str(folder), "port": PORT}
            environment = {
                **settings_postgres.environment,
                "PGHOST": str(folder),
                "PGPORT": str(PORT),
            }
            return replace(
                settings_postgres,
                profile=replace(profile, options=options),
                environment=environment,
                results_dir=folder / "results",
            )

        yield listen


def leave_settings_behind(settings: Settings, statements: str) -> None:
    options = settings.profile.options
    with psycopg.connect(
        host=options["host"], port=PORT, user="postgres", dbname=options["dbname"], autocommit=True
    ) as other:
        other.execute(statements)


def session_state(settings: Settings) -> tuple[object, ...]:
    options = settings.profile.options
    with psycopg.connect(
        host=options["host"], port=PORT, user="postgres", dbname=options["dbname"], autocommit=True
    ) as other:
        row = other.execute(
            "select current_setting('timezone'), current_setting('lock_timeout'), current_user, "
            "(select count(*) from pg_prepared_statements)"
        ).fetchone()
    assert row
    return row


def texts(folder: Path) -> dict[Path, str]:
    return {file: file.read_bytes().decode() for file in folder.glob("*.csv")}


def test_a_report_from_one_shared_session_is_the_golden_one(pooled: Pooled, tmp_path: Path) -> None:
    settings = pooled(1)
    leave_settings_behind(settings, LEFT_BEHIND_IN_THE_ONLY_ONE)
    load_extract(settings, SAMPLE)
    leave_settings_behind(settings, "reset all")
    assert not build(settings, (), NO_MESSAGES).failed
    leave_settings_behind(settings, LEFT_BEHIND_IN_THE_ONLY_ONE)

    export_all(settings, tmp_path, day=date(2024, 7, 1))

    written = {file.name.partition("_")[0]: text for file, text in texts(tmp_path).items()}
    golden = {file.stem: text for file, text in texts(GOLDEN / "sample").items()}
    assert written == golden
    assert session_state(settings) == ("Asia/Kolkata", "1ms", "postgres", 0)


def test_clients_share_one_session(pooled: Pooled) -> None:
    settings = pooled(1)
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    leave_settings_behind(settings, LEFT_BEHIND_IN_THE_ONLY_ONE)

    def use(_: int) -> None:
        found = [course.id for course in api.courses(settings)]
        assert MATHS in found
        with Ledger.open(settings.profile) as ledger, open_marts(settings) as marts:
            for _ in range(8):  # psycopg would prepare a statement that it has run five times.
                ledger.requests()
                marts.check_built()

    with ThreadPoolExecutor(6) as clients:
        list(clients.map(use, range(6)))
    assert session_state(settings) == ("Asia/Kolkata", "1ms", "postgres", 0)


def test_a_request_and_its_worker_need_two_sessions(pooled: Pooled, tmp_path: Path) -> None:
    """One for the marts in one state, one for the ledger."""
    settings = pooled(2)
    with connect(settings.profile, writing=True) as warehouse:
        create_marts(warehouse, settings)
    leave_settings_behind(settings, LEFT_BEHIND)
    new = api.submit(settings, MATHS, user_id=CREATOR)

    (done,) = api.process(settings)

    assert (done.request_id, done.status) == (new.request_id, Status.SUCCESS)
    assert api.download(settings, new.request_id, user_id=CREATOR, output_dir=tmp_path)


def test_a_role_holds_only_for_our_transactions(pooled: Pooled) -> None:
    settings = pooled(1)
    database = settings.profile.options["dbname"]
    leave_settings_behind(
        settings,
        "drop role if exists owner; create role owner; "
        f"grant create on database {database} to owner",
    )
    options = {**settings.profile.options, "role": "owner"}
    of_owner = replace(settings, profile=replace(settings.profile, options=options))
    load_extract(of_owner, SAMPLE)
    Ledger.open(of_owner.profile).close()

    with connect(settings.profile, writing=False) as warehouse:
        owners = warehouse.query(
            "select distinct nspname, nspowner::regrole::text from pg_namespace "
            "where nspname in ('sunbird', 'exhaust_requests') order by 1"
        )
    assert owners == [("exhaust_requests", "owner"), ("sunbird", "owner")]
    assert session_state(settings)[2] == "postgres"
    leave_settings_behind(settings, "drop owned by owner; drop role owner")
