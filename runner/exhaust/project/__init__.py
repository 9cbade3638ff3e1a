"""The dbt project that a command works on: its variables, profile, sources and pure macros."""
