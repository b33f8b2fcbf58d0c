"""Chat on a site's web pages. Theory of operation.

    widget.js    what runs in a visitor's browser: one script tag of the page, a socket once he opens it
    protocol     what the two say to each other: tagged structs in JSON, every size bounded
    limits       how much of it there may be: buckets that run full again with time
    talk         one visitor's talk, in as many tabs as he has open. It turns what comes in into what is to be done; it
                 waits for nothing and reads no clock
    rooms        the talks that are live; they do what these say: store, send, ask the core. `tabs` is what waits for a
                 page, `keeping` stores what is said, `standing` is what he is told of the queue, `wishes` what else he
                 can ask for
    channel      the medium, as every other (`acd.ports.Channel`): card, ready replies, answer
    web          the routes: script, socket, files
    xmpp/        the other way in: people who have an address, by the site's own XMPP server

A talk is a row of numbered lines, his and ours. He is known by a token of 256 bits that his browser keeps, of which we
keep the hash; with it and the number of the last line that he has, he goes on wherever he was: after a reload, in
another tab, after our restart. Each line has a name that its writer gave it, so that whoever is not sure whether it
arrived says it once more and it is one line all the same. A line is in the customer file before anybody hears of it:
that he sees it come back with its number is the acknowledgement.

A contact (one virtual call) begins with a line of his while none is open, and takes in all that he writes until its
agent has closed it, or he is gone for longer than `grace`. The next one goes on with the same case.
"""

MEDIUM = "chat"
