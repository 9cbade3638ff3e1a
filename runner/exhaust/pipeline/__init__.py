"""From an extract to marts: load it, then build the models with dbt."""
