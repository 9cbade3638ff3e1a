"""The texts of a small project's files."""

PROJECT = """
name: exhaust
profile: exhaust
vars: {landing_schema: raw, report_timezone: Asia/Kolkata}
"""


EXAMPLE = """
exhaust:
  target: duckdb
  outputs:
    duckdb: {type: duckdb, path: "{{ env_var('EXHAUST_DUCKDB_PATH', 'example.duckdb') }}"}
"""


def profiles(output: str, target: str = "one") -> str:
    return f"exhaust:\n  target: {target}\n  outputs:\n    one: {output}\n"
