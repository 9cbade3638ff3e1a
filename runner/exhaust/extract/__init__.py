"""Reads an extract: finds its tables, recognises the files and checks them before a load."""
