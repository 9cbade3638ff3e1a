"""`reader_row_security`: what a reader of PostgreSQL sees of the marts, tried with its login."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from dbt_support import dbt
from postgres_roles import new_role, query
from support import NO_MESSAGES, SCENARIOS, NewSettings, load_extract

from exhaust import api
from exhaust.errors import NotFound
from exhaust.marts.explanations import MARTS as VIEWS
from exhaust.pipeline.build import build
from exhaust.project.settings import Settings

SWITCHED_ON = ["--vars", "reader_row_security: true"]
EXPLANATIONS = tuple(name for name, _ in VIEWS.values())
MARTS = (
    *("course_progress", "course_progress_details"),
    *("location_summaries", "week_summaries", "score_summaries"),
    *("course_batches", "courses", "requester_batches", "requesters"),
    *EXPLANATIONS,
)
NOBODY = "a user without a course or a batch"


@pytest.fixture(scope="module")
def owner(new_settings: NewSettings, postgres_server: object) -> Settings:
    """The sample, built twice: the second build replaces tables that have policies."""
    settings = new_settings("postgres")
    load_extract(settings, SCENARIOS["sample"])
    for _ in range(2):
        assert not build(settings, SWITCHED_ON, NO_MESSAGES).failed
    return settings


@pytest.fixture(scope="module")
def reader(owner: Settings) -> Iterator[Settings]:
    with new_role(owner) as settings:
        api.grant(owner, "reader", role_of(settings), user_id=NOBODY)
        yield settings


def role_of(settings: Settings) -> str:
    return str(settings.profile.options["user"])


def become(owner: Settings, reader: Settings, user_id: str) -> None:
    query(
        owner,
        f"update exhaust_requests.granted_role set user_id = '{user_id}' "
        f"where role = '{role_of(reader)}'",
    )


def counts(settings: Settings) -> dict[str, int]:
    return {mart: query(settings, f"select count(*) from exhaust.{mart}")[0][0] for mart in MARTS}


def test_every_requester_sees_just_their_batches_and_learners(
    owner: Settings, reader: Settings
) -> None:
    users = [user for (user,) in query(owner, "select user_id from exhaust.requesters")]
    seen = set()
    for user in users:
        become(owner, reader, user)
        expected = query(
            owner,
            "select course_id, batch_id, enrolled from exhaust.requester_batches "
            f"where user_id = '{user}' and enrolled > 0 order by 1, 2",
        )
        per_batch = "select course_id, batch_id, count(*) from exhaust.course_progress "
        assert query(reader, f"{per_batch} group by 1, 2 order by 1, 2") == expected
        seen.add(sum(rows for *_, rows in expected))
        visible = counts(reader)
        assert visible["requesters"] == 1
        assert visible["requester_batches"] == visible["course_batches"] >= len(expected)
    assert len(seen) > 1


def user_of_another_tenant(owner: Settings) -> tuple[str, str]:
    """Returns a user who may see only some of the learners of a course, and that course."""
    ((user, course),) = query(
        owner,
        "select user_id, course_id from exhaust.requester_batches "
        "where not sees_all_learners and enrolled > 0 order by user_id, course_id limit 1",
    )
    return user, course


def test_explanations_have_the_learners_of_who_reads_them(
    owner: Settings, reader: Settings
) -> None:
    """They read what readers may not: the views themselves choose the rows."""
    user, _ = user_of_another_tenant(owner)
    become(owner, reader, user)
    narrower = set()
    for view in EXPLANATIONS:
        ((expected, everything),) = query(
            owner,
            "select count(*) filter (where rights.sees_all_learners or "
            "explained.root_org_id = requesters.root_org_id), "
            f"(select count(*) from exhaust.{view}) from exhaust.{view} as explained "
            "join exhaust.requester_batches as rights using (course_id, batch_id) "
            "join exhaust.requesters on requesters.user_id = rights.user_id "
            f"where rights.user_id = '{user}'",
        )
        assert query(reader, f"select count(*) from exhaust.{view}") == [(expected,)], view
        if 0 < expected < everything:
            narrower.add(view)
    # All attempts of the sample are in batches that this user sees as a whole.
    assert narrower == {*EXPLANATIONS} - {"attempt_explanations"}


def test_a_function_of_a_reader_gets_no_hidden_row(owner: Settings, reader: Settings) -> None:
    user, _ = user_of_another_tenant(owner)
    become(owner, reader, user)
    seen: set[str] = set()
    options = reader.profile.options
    with psycopg.connect(
        host=options["host"], user=options["user"], dbname=options["dbname"], autocommit=True
    ) as connection:
        connection.add_notice_handler(lambda notice: seen.add(str(notice.message_primary)))
        connection.execute(
            "create function pg_temp.tell(text) returns boolean language plpgsql cost 0.0001 "
            "as 'begin raise notice ''%'', $1; return true; end'"
        )
        for view in EXPLANATIONS:
            seen.clear()
            found = connection.execute(
                f"select user_id from exhaust.{view} where pg_temp.tell(user_id)"
            )
            assert seen == {learner for (learner,) in found}, view
            assert seen


def test_an_explanation_is_the_same_as_the_owners(owner: Settings, reader: Settings) -> None:
    user, course = user_of_another_tenant(owner)
    become(owner, reader, user)
    own = f"from exhaust.course_progress where course_id = '{course}' order by user_id"
    visible = query(reader, f"select user_id {own}")
    hidden = [
        learner for learner in query(owner, f"select user_id {own}") if learner not in visible
    ]
    assert visible
    assert hidden
    for (learner,) in visible:
        assert api.explain(reader, course, learner, user_id=user) == api.explain(
            owner, course, learner, user_id=user
        )
    for (learner,) in hidden:
        with pytest.raises(NotFound):
            api.explain(reader, course, learner, user_id=user)


def test_a_summary_is_the_same_as_the_owners(owner: Settings, reader: Settings) -> None:
    user, course = user_of_another_tenant(owner)
    become(owner, reader, user)
    summary = api.summary(reader, course, user_id=user)
    assert summary == api.summary(owner, course, user_id=user)
    assert 0 < summary.funnel.enrolled < api.summary(owner, course).funnel.enrolled


def test_an_export_is_the_same_as_the_owners(
    owner: Settings, reader: Settings, tmp_path: Path
) -> None:
    user, course = user_of_another_tenant(owner)
    become(owner, reader, user)
    texts = []
    for settings in (owner, reader):
        folder = tmp_path / role_of(settings)
        report = api.export(settings, [course], user_id=user, output_dir=folder)
        texts.append({Path(one.file).name: Path(one.file).read_bytes() for one in report.files})
    assert texts[0] == texts[1]


def test_others_see_nothing(owner: Settings, reader: Settings) -> None:
    become(owner, reader, NOBODY)
    assert set(counts(reader).values()) == {0}
    with new_role(owner, "grant pg_read_all_data to {role}") as analyst:
        assert set(counts(analyst).values()) == {0}


def test_the_long_scores_are_not_read_by_readers(owner: Settings, reader: Settings) -> None:
    select = "select count(*) from exhaust.assessment_scores"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        query(reader, select)
    assert query(owner, select) > [(0,)]


def test_the_wide_view_has_the_rows_of_who_reads_it(
    owner: Settings, reader: Settings, tmp_path: Path
) -> None:
    user, course = user_of_another_tenant(owner)
    variables = f"{{reader_row_security: true, course_id: {course}}}"
    made = dbt(owner, tmp_path, "run", "-s", "course_report", "--vars", variables)
    assert made.returncode == 0, made.stdout
    become(owner, reader, user)
    select = "select count(*) from exhaust.course_report"
    rows = f"select count(*) from exhaust.course_progress where course_id = '{course}'"
    assert 0 < query(reader, select)[0][0] < query(owner, select)[0][0]
    assert query(reader, select) == query(reader, rows)


def test_the_functions_say_nothing_of_others(owner: Settings, reader: Settings) -> None:
    become(owner, reader, NOBODY)
    assert query(reader, "select * from exhaust.reader_batches()") == []
    assert query(reader, "select exhaust.reads_all_rows()") == [(False,)]


@pytest.mark.parametrize("kind", ["server", "worker"])
def test_servers_and_workers_see_all(owner: Settings, kind: str) -> None:
    with new_role(owner) as settings:
        api.grant(owner, kind, role_of(settings))
        assert counts(settings) == counts(owner)


def test_a_member_of_the_owner_sees_all(owner: Settings) -> None:
    with new_role(owner, "grant postgres to {role}") as member:
        assert counts(member) == counts(owner)
