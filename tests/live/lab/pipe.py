"""Joins qemu, on stdin and stdout, to a port of this machine: `pipe.py PORT`, one process a connection (guestfwd)."""

import os
import select
import socket
import sys

QEMU_IN, QEMU_OUT = 0, 1


def main() -> None:
    """Carry bytes both ways until both have ended."""
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as callfloor:
        open_ends = {QEMU_IN, callfloor.fileno()}
        while callfloor.fileno() in open_ends:
            for end in select.select(open_ends, [], [])[0]:
                data = os.read(end, 65_536)
                if not data:
                    open_ends.discard(end)
                    if end == QEMU_IN:
                        callfloor.shutdown(socket.SHUT_WR)
                elif end == QEMU_IN:
                    callfloor.sendall(data)
                else:
                    while data:
                        data = data[os.write(QEMU_OUT, data) :]


if __name__ == "__main__":
    main()
