"""How long a list and a read of the portal's API take with many requests in the ledger.

.venv/bin/python -m bench.portal [--requests 10000] [--users 50]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from exhaust import api
from exhaust.console import SYSTEM_CLOCK
from exhaust.project.settings import Settings, read_settings
from exhaust.requests.entities import tag_of
from exhaust.requests.store import BATCHES, REQUESTS, Store
from exhaust.web.app import create_app
from exhaust.web.identity.no_pages import NoPages
from exhaust.web.identity.token import HEADER, Tokens
from exhaust.web.limits import Limit, Rate
from exhaust.web.portal import MOUNTS, Portal
from exhaust.web.secrets import Keys
from exhaust.web.sessions import Sessions
from exhaust.web.site import Site

PROJECT = Path(__file__).parents[1]
ISSUER = "https://example.org/auth/realms/sunbird"
URL = "https://reports.example.org"
ROUNDS = 50


def fill(settings: Settings, requests: int, users: int) -> None:
    """Adds requests of the users, in turn; a tenth of them wait."""
    now = SYSTEM_CLOCK.now().replace(tzinfo=None)
    rows, batches = [], []
    for number in range(requests):
        request_id, batch_id = f"{number:032X}", f"{number // users % 10:03}"
        waits = number >= requests * 0.9
        rows.append(
            {
                "tag": tag_of("do_1", [batch_id], "t"),
                "request_id": request_id,
                "job_id": "progress-exhaust",
                "status": "SUBMITTED" if waits else "SUCCESS",
                "request_data": {"layout": "exhaust", "allLearners": True},
                "requested_by": f"u{number % users}",
                "requested_channel": "t",
                "dt_job_submitted": now - timedelta(seconds=requests - number),
                "dt_job_completed": None if waits else now,
                "course_id": "do_1",
                "rows_expected": 1,
            }
        )
        batches.append(
            {
                "request_id": request_id,
                "batch_id": batch_id,
                "dataset": "progress-exhaust",
                "course_id": "do_1",
                "channel": "t",
                "is_under_way": False,
            }
        )
    store = Store.open(settings.profile)
    with store.begin() as connection:
        connection.execute(sa.insert(REQUESTS), rows)
        connection.execute(sa.insert(BATCHES), batches)
    store.close()


def median(call: Callable[[], object]) -> float:
    """Returns milliseconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(times), 1)


def measure(requests: int, users: int) -> dict[str, float]:
    """Returns the medians of a list and a read."""
    key = RSAKey.generate_key(2048, {"kid": "key"})
    with TemporaryDirectory() as folder:
        keys_dir = Path(folder) / "keys"
        keys_dir.mkdir()
        (keys_dir / "key").write_bytes(key.as_pem(private=False))
        environment = {
            "EXHAUST_TARGET": "duckdb",
            "EXHAUST_DUCKDB_PATH": str(Path(folder) / "bench.duckdb"),
        }
        settings = read_settings(PROJECT, environ=environment, use_example=True)
        fill(settings, requests, users)
        claims = {"iss": ISSUER, "sub": "f:x:u0", "exp": int(time.time()) + 3600}
        headers = {
            HEADER: jwt.encode({"alg": "RS256", "kid": "key"}, claims, key),
            "X-Channel-Id": "t",
        }
        with api.keep_open(settings) as kept:
            unlimited = Limit(Rate(burst=10**6, per_second=0))
            portal = Portal(Tokens(ISSUER, keys_dir=keys_dir), reads=unlimited)
            site = Site(
                kept, NoPages(), Keys(b"k" * 48), Sessions(), URL, frozenset(), portal=portal
            )
            client = TestClient(create_app(site), base_url=URL)

            def ask(path: str) -> int:
                answer = client.get(f"{MOUNTS[0]}{path}", headers=headers)
                answer.raise_for_status()
                return len(answer.json()["result"].get("jobs", [1]))

            return {
                "requests": requests,
                "jobs listed": ask("list/do_1_000"),
                "list, ms": median(lambda: ask("list/do_1_000")),
                "read, ms": median(lambda: ask(f"read/do_1_000?requestId={0:032X}")),
            }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=50)
    given = parser.parse_args()
    print(json.dumps(measure(given.requests, given.users)))
