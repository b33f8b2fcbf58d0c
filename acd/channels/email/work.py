"""The process that reads messages: `python -m acd.channels.email.work LIMITS`, started by `worker`.

A message comes on stdin, eight bytes of its length before it; the answer goes to stdout in the same way: `+` and
the `Message`, or `-` and why it was not read. It ends with its stdin, so it outlives nobody. What it may use is set
here, by the system's limits; nothing it does can lift them for what it has begun.
"""

import gc
import os
import resource
import signal
import sys
from typing import BinaryIO

import msgspec

from acd.channels.email.worker import OUT_OF_MEMORY, Limits


def main() -> None:
    """Read messages until there are no more."""
    limits = msgspec.json.decode(sys.argv[1], type=Limits)
    _confine(limits)
    from acd.channels.email.parse import parse  # noqa: PLC0415 - even loading it is done under the limits

    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    gc.disable()  # a message is a tree; what goes round in it is swept between messages
    while (raw := _read(requests)) is not None:
        _allow_cpu(limits.cpu_s)
        try:
            answer = b"+" + msgspec.msgpack.encode(parse(raw))
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except Exception as error:  # noqa: BLE001 - whatever fails on a stranger's bytes, the message is kept
            answer = b"-" + f"{type(error).__name__}: {error}".encode("utf-8", "replace")[:500]
        try:
            answers.write(len(answer).to_bytes(8, "big") + answer)
            answers.flush()
        except BrokenPipeError:
            os._exit(0)
        del raw, answer
        gc.collect(0)


def _read(requests: BinaryIO) -> bytes | None:
    length = requests.read(8)
    if len(length) < 8:
        return None
    raw = requests.read(int.from_bytes(length, "big"))
    return raw if len(raw) == int.from_bytes(length, "big") else None


def _confine(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)  # calls go first


def _allow_cpu(seconds: int) -> None:
    """Let it have so much processor time from now on; the system ends it then (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, most))


if __name__ == "__main__":
    main()
