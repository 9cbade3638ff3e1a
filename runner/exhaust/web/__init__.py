"""The pages for course owners, on top of `exhaust.api`: they decide nothing about rights, queues or
files."""
