"""The last words before a program: `python -I launch.py SIGNAL STARTER ARGV...` becomes ARGV.

It raises the limit of open files as far as it may (a call holds about ten) and, unless SIGNAL is 0, asks the kernel
for that signal when the thread of process STARTER that started it ends. A program, not a `preexec_fn`: between fork
and exec of a process with threads nothing in Python is safe.
"""

import ctypes
import os
import resource
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)
MOST_FILES = 65_536


def main() -> None:
    """Become the program."""
    signal, starter, argv = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if signal:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal)
        if os.getppid() != starter:  # it died before we asked
            sys.exit("the process that wanted this program is gone")
    os.execv(argv[0], argv)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
