"""The formats of a report file, a module each."""
