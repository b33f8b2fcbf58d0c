"""E-mail, without a network: what a message says, whose case it belongs to, and what is answered.

    message     what is told of a message (Structs)    worker   reads messages in processes that may die
    parse       bytes to such a Struct                 scan     the same for what cannot be parsed: dumb, bounded
    headers     addresses, words, parameters           html     HTML made safe, and made text
    passages    what is new, quoted, signed            sniff    what an attachment really is
    language    which one it is written in             reports  delivery reports, and how a message looks to machines
    threads     whose case, what failed, what to keep from answering
    compose     replies, acknowledgements, notices     templates  what a site lets them say
    invitation  meetings as iTIP                       text     what may be shown of hostile text

Theory of operation. Whoever writes to a site is a stranger with all night to find the message that hangs a parser, and
Python's can be hung, or brought to its knees, by a few kilobytes. So nothing of a message is parsed on the event loop.
`worker.Parsers` keeps one or two processes with little memory and seconds of processor time; each reads a message,
answers with a frozen Struct and waits for the next. One that takes too much is killed and replaced; its message comes
back all the same, as what a scanner of a page of code finds in it, with the message itself as its attachment.
`parsed(raw)` never raises for what is in a message. A mail is never lost: it is a call in any case.

Inside the worker the limits are kept by construction first, so that few messages ever meet the killer. Of the standard
library only the old parser is used, which splits a message and leaves headers alone; headers are cut to a length, read
by scanners that go over their text once, and counted. Parts are counted while they are split. HTML that is nested so
deep that the cleaner would take minutes loses its tags beforehand.

Nothing that a message says is trusted. Names and subjects are one line without signs that turn or hide text; names of
files have no path; types of attachments are looked up in their first bytes; HTML has no scripts, styles or pictures
from elsewhere; what SPF and DKIM found is taken from our own mail server's header alone. Which case a message belongs
to is said by what we signed: a tag in the address it was sent to, or a Message-ID of ours that it answers. Only then an
index of what was stored is asked. A subject says nothing.

What we send is made from checked parts, so that no header can be smuggled in, says of itself that a machine wrote it
where one did (RFC 3834), and such mail never answers what a machine wrote.

Nothing that comes with `import acd.channels.email` loads the parser, the cleaner or the calendar.
"""
