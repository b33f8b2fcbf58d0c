"""The web desk: the same desk by HTTP, as an API for programs and as a plain page for an agent.

    browser  session cookie, made of a seat's PIN  ─┐
    program  API token, `callfloor token add`      ─┴▶ access ▶ contacts  states  customers  live ▶ AgentDesk, Channel,
                                                                                                   Store, Dispatcher

It runs inside the server's event loop, on an address of `[web]`, and is loaded only where that is written. Nothing here
decides: a wish goes to the core, a reply to its medium, a question to the customer file, which looks it up in a thread
of its own. What cannot be done is answered by a problem (RFC 9457) that says what, and how to mend it.

Who may do what is in `access`: scopes. What others wrote, customers before all, reaches a page as text, never as HTML.
"""
