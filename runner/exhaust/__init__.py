"""Sunbird's course progress exhaust: load an extract, build the marts, write the report."""
