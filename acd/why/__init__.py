"""Why a call went where it went, and why one waits: answers for a supervisor.

    story       one call, followed through the journal: offers with every seat considered, moves, steps, announcements
    waiting     one call as things stand: its place, who is before it, what keeps each seat, what happens next
    words       both, and why-not, in plain sentences

It costs the decision nothing. Nothing is recorded but what the journal holds anyway: the core is built anew as it was
just before the call came, the same events are decided again, and this time `explain` looks on.
"""
