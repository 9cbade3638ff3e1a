"""A fuzzer for extracts: see `__main__`."""
