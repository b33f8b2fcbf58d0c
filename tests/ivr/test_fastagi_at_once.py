"""A caller who hangs up in the very moment in which his AGI session begins."""

import asyncio

from ivr.fastagi import FastAgiServer, Session


async def test_hang_up_with_the_headers():
    """Headers and hang-up in one packet: the handler never begins, and the session is gone all the same."""
    begun = []

    async def handler(session: Session) -> None:
        begun.append(session)

    server = FastAgiServer({"entry": handler})
    await server.start(port=0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"agi_network: yes\nagi_network_script: entry\nagi_request: agi://127.0.0.1/entry\n\nHANGUP\n")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert begun == []
    assert server.sessions == 0
    await server.close()
