"""Whether a project that was found, not named, is the caller's: what it says runs as the caller."""

import grp
import os
import pwd
import stat
from pathlib import Path

from exhaust.errors import PermissionDenied


def check_is_ours(file: Path) -> None:
    """Raises PermissionDenied if a file of a project, or its folder, is not the caller's.

    It has to belong to the caller or to root, and nobody else may have the right to write to it.
    """
    for path in (file.parent, file):
        status = path.stat()
        if status.st_uid not in (0, os.geteuid()):
            raise _refused(
                path, f"belongs to {_user(status.st_uid)}", f"make it yours: chown {_user()} {path}"
            )
        if _others_may_write(status):
            raise _refused(
                path, "can be changed by others", f"take that right away: chmod go-w {path}"
            )


def _refused(path: Path, reason: str, remedy: str) -> PermissionDenied:
    return PermissionDenied(
        f"{path} {reason}, and what a project says runs as you.",
        "If you trust its owner, give the folder of the project with --project-dir or "
        f"EXHAUST_PROJECT_DIR. Otherwise, {remedy}",
    )


def _others_may_write(status: os.stat_result) -> bool:
    return bool(
        status.st_mode & stat.S_IWOTH
        or (status.st_mode & stat.S_IWGRP and not _is_only_ours(status.st_gid))
    )


def _is_only_ours(group_id: int) -> bool:
    """Returns whether a group has only the caller: many systems give each user one of their name,
    and let it write to their files."""
    try:
        group, user = grp.getgrgid(group_id), pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    is_own = group_id == user.pw_gid and group.gr_name == user.pw_name
    return is_own and {*group.gr_mem} <= {user.pw_name}


def _user(user_id: int | None = None) -> str:
    user_id = os.geteuid() if user_id is None else user_id
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return str(user_id)
