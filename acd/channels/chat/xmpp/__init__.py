"""Chats with people who have an address of XMPP. Theory of operation.

callfloor is an external component of the site's own server (XEP-0114): all that is written to an address at its domain
comes to us over one connection, and the server vouches for who wrote it.

    stanzas      messages and presences, read and written: pure, bounded, hostile
    component    the session with the server: bound, kept alive, bound again when it breaks
    guests       who writes, and what he is told: a `Guest` is in a talk what a tab is of a page
    outbox       our lines, until the server has them

A talk is the same as that of a page, and goes through the same `Rooms`. It is named by the section, the entry and the
address, so nobody needs a token. A receipt (XEP-0184) is what a page sees as its line that comes back: the line is in
the customer file. A message that the server has given us and that is not there when we are killed has no receipt, and
nobody brings it again: between a server and its component there is no acknowledgement.

Our lines go out in their order. That the server has them shows an echo: what we send to ourselves after them, it sends
back after them (RFC 6120, 10.1). What was sent without an echo is sent again, under the same id and origin-id.
"""
