"""Artefacts of a dbt run, as the tests of dbt and of a build read them."""

RESULTS = [
    {"unique_id": "model.exhaust.courses", "status": "success", "message": "OK"},
    {"unique_id": "model.exhaust.later", "status": "skipped", "message": None},
    {"unique_id": "test.exhaust.unique_id.abc", "status": "pass", "failures": 0},
    {"unique_id": "unit_test.exhaust.courses.rule", "status": "pass", "failures": 0},
    {
        "unique_id": "test.exhaust.key_twice",
        "status": "fail",
        "failures": 2,
        "message": "\x1b[31mGot 2 results\x1b[0m\n",
    },
    {"unique_id": "test.exhaust.unknown", "status": "warn", "failures": 3},
    {"unique_id": "operation.exhaust.on-run-end-0", "status": "error", "message": "no"},
]
MANIFEST = {
    "nodes": {
        "model.exhaust.courses": {"name": "courses", "fqn": ["exhaust", "marts", "courses"]},
        "test.exhaust.key_twice": {
            "name": "key_twice",
            "description": "A key\nis unique.",
            "fqn": ["exhaust", "key_twice"],
            "schema": "aside",
            "alias": "key_twice",
            "config": {"store_failures": True},
        },
        "test.exhaust.unknown": {
            "name": "unknown",
            "description": "Unknown courses.",
            "fqn": ["exhaust", "set_aside", "unknown"],
            "schema": "aside",
            "alias": "unknown_courses",
            "config": {"store_failures": True},
        },
    },
    "unit_tests": {"unit_test.exhaust.courses.rule": {"name": "rule", "fqn": ["exhaust", "rule"]}},
}
