"""Report files: what goes into one, how it is written, its receipt and how to check it."""
