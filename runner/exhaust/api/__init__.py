"""What exhaust does, as functions: the face for the command, for a page, and for programs.

    from exhaust import api

    project = api.open_project()
    api.load(project, "extracts/2026-11-01")
    api.build(project)
    report = api.export(project, ["do_31296123374084915214"], output_dir="out")

Every function opens what it needs, checks what it is given, and closes everything again. Errors are
those of `exhaust.errors`. A `console` takes messages and progress while a function runs; without
one, there are none. docs/python.md explains more.
"""

# Imports are inside the functions: DuckDB, SQLAlchemy and PySpark take long to import, and
# `exhaust --help` needs none of them.
from exhaust.api.catalogue import batches as batches
from exhaust.api.catalogue import course as course
from exhaust.api.catalogue import courses as courses
from exhaust.api.catalogue import summary as summary
from exhaust.api.follow import changes as changes
from exhaust.api.follow import has_worker as has_worker
from exhaust.api.follow import results as results
from exhaust.api.follow import under_way as under_way
from exhaust.api.ledger import cancel as cancel
from exhaust.api.ledger import check_password as check_password
from exhaust.api.ledger import download as download
from exhaust.api.ledger import grant as grant
from exhaust.api.ledger import process as process
from exhaust.api.ledger import request as request
from exhaust.api.ledger import requests as requests
from exhaust.api.ledger import submit as submit
from exhaust.api.ledger import workers as workers
from exhaust.api.operation import check_upload as check_upload
from exhaust.api.operation import disk_use as disk_use
from exhaust.api.operation import set_aside as set_aside
from exhaust.api.projects import build as build
from exhaust.api.projects import info as info
from exhaust.api.projects import init as init
from exhaust.api.projects import load as load
from exhaust.api.projects import open_demo as open_demo
from exhaust.api.projects import open_project as open_project
from exhaust.api.reports import diff as diff
from exhaust.api.reports import explain as explain
from exhaust.api.reports import export as export
from exhaust.api.reports import verify as verify
from exhaust.api.serving import ALL_FILES as ALL_FILES
from exhaust.api.serving import deliver as deliver
from exhaust.api.serving import downloads as downloads
from exhaust.api.serving import keep_open as keep_open
from exhaust.api.serving import linked_file as linked_file
from exhaust.api.serving import newest_build as newest_build
from exhaust.api.serving import renewal as renewal
from exhaust.api.serving import report_files as report_files
from exhaust.system import check_system

check_system()
