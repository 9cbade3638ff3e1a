"""What arrives: a folder of raw tables, looked into before anything is loaded."""
