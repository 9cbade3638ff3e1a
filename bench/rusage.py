"""Runs a command and writes its resource usage: `python -I -S rusage.py FILE COMMAND…`.

This is a separate, small process because a child inherits the peak memory of its parent.
"""

import json
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    file, *command = sys.argv[1:]
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    used = {
        "wall": time.perf_counter() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        # Kilobytes on Linux, bytes on macOS.
        "peak_mb": usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
    }
    Path(file).write_text(json.dumps(used))
    sys.exit(os.waitstatus_to_exitcode(status))
