"""Short messages, by SMPP 3.4 and by HTTP: a text becomes a contact of its queue, and is answered from where it went.

    alphabet   GSM 03.38 and UCS-2, which of them a text needs      parts      user data headers, cutting and joining
    receipts   delivery receipts                                    addresses  numbers in their normal form, senders
    wishes     STOP and its like                                    pdu        SMPP, without a network
    smsc       a session with a message centre                      office     what holds at the moment
    intake     texts that come in                                   outbox     texts that go out
    channel    for whoever answers them                             webhook    texts by HTTP, without a network
    gateway    a provider that speaks HTTP                          hooks      where such providers come in

Theory of operation. A message centre has done its part when it is told so: then it forgets the message. So it is told
when the message is on the disk, in the customer file, and its call is in the journal. Who is killed before that is
brought the message again, by another session; the same bytes brought again by another session within the hour are the
same message. That a text is open stands in the customer file, as of e-mails; a look at the start makes the calls that
are missing.

A customer who writes again while his contact waits, or is before an agent, has written to that contact. Nothing that he
wrote is closed unread: what came after the agent was shown the contact is a contact of its own when that one is closed.

A long text comes in parts, in any order, some of them twice or never. They wait on the disk as well, each acknowledged
by itself; what is not whole after a while is brought with a mark where something is missing. How many wait for one
sender is bounded.

A text of ours goes out part by part. Before a part is sent it is noted as being in doubt; with the answer of the centre
it is sent. A part still in doubt at the next start, or when a session broke, is sent a second time, once, and never a
third: then the contact comes back to its queue, and somebody decides. SMPP has no way to do better.

The protocol is written here, in two files. aiosmpplib (0.7) was weighed and not taken: it answers a message whose
coding it does not know by `generic_nack`, so the centre throws the customer's words away; ends by an exception at a TLV
that is cut short; reads whatever length a PDU claims; drops the session at a status of the vendor's own; takes a 16-bit
reference for 32 bits; and has no window, no time limit of an answer and no TLS.
"""
