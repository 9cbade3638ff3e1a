"""Waiting for locks while dbt runs: it is told, and it ends, because dbt does neither."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

from exhaust.console import Console
from exhaust.project.profile import Profile
from exhaust.project.sql import literal
from exhaust.repeating import repeating
from exhaust.warehouse import class_of

LOOK_SECONDS = 1.0
TOLD_AFTER = timedelta(seconds=5)


@contextmanager
def ending_long_waits(
    profile: Profile, console: Console, end_dbt: Callable[[], None]
) -> Iterator[None]:
    """Says who holds a lock that dbt waits for. After the lock timeout of the profile, ends dbt,
    and raises Busy at the end of the block."""
    watch = class_of(profile).lock_watch(profile, _sessions(profile), console)
    if watch is None:
        yield
        return
    is_over = False

    def look() -> bool:
        nonlocal is_over
        watch.look(TOLD_AFTER)
        is_over = watch.holder is not None and watch.holder.waited >= profile.lock_timeout
        if is_over:
            end_dbt()
        return not is_over

    with closing(watch), repeating(look, LOOK_SECONDS):
        try:
            yield
        finally:
            watch.end()
    if is_over:
        raise watch.busy(profile.lock_timeout)


def _sessions(profile: Profile) -> str:
    """Returns a condition for dbt's sessions in pg_stat_activity.

    Their number is not known, and behind a pooler it changes. dbt begins each statement with a
    comment that names the target, unless the project turns that off.
    """
    application = str(profile.options.get("application_name") or "dbt")
    target = f'"target_name": {json.dumps(profile.target)}'
    return (
        "pg_stat_activity.usename = session_user "
        f"and pg_stat_activity.application_name = {literal(application, 'postgres')} "
        f"and (position({literal(target, 'postgres')} in pg_stat_activity.query) > 0 "
        "or position('\"target_name\": ' in pg_stat_activity.query) = 0)"
    )
