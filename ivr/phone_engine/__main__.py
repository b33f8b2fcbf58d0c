"""Run a phone. The argument is the descriptor of its pipe; the first message there is the Engine's arguments."""

import socket
import sys

import msgspec
import pjsua2 as pj

from .engine import Engine
from .messages import MESSAGE_BYTES_MAX, Ask, Reply


def main() -> None:
    """Work until the owner closes the pipe."""
    with socket.socket(fileno=int(sys.argv[1])) as pipe:
        pipe.set_inheritable(False)
        first = pipe.recv(MESSAGE_BYTES_MAX)
        if not first:
            return
        opening = msgspec.msgpack.decode(first, type=Ask)
        try:
            engine = Engine(pipe, **opening.args)
        except pj.Error as error:
            pipe.send(msgspec.msgpack.encode(Reply(opening.number, error=f"{opening.verb}: {error.reason}")))
            return
        pipe.send(msgspec.msgpack.encode(Reply(opening.number, engine.address)))
        engine.run()


if __name__ == "__main__":
    main()
