"""What a server asks of its own process: files, and that little stands between an event and what follows from it."""

import gc
import resource
import sys


def allow_files() -> None:
    """Take as many file descriptors as the system grants: each FastAGI session is one (fastagi.Limits)."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def set_garbage_aside() -> None:
    """Take what the start has made, which stays, out of the garbage collector's sight, and let it look less often.

    Otherwise it walks over all of it every few seconds, while calls wait; a session leaves no garbage in circles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def give_way_soon() -> None:
    """Have threads that compute, such as the customer file's, let the event loop in after half a millisecond.

    Python's 5 ms are met at each of its waits, and there are several between an agent's hang-up and his next call.
    """
    sys.setswitchinterval(0.0005)
