"""A fuzzer of what arrives: see `__main__`."""
