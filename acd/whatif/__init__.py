"""Yesterday under other rules.

The callers of a day are taken from the journal: when each came, what he asked for, how long he was willing to wait. So
are the agents: when each was there, how fast he picks up, how long he talks. Then the real core (`acd.core`) decides
that day again under other rules, in virtual time.

    day         reads a day from a journal: arrivals, talks, rings, shifts
    patience    how long a caller would have waited who was answered: the Kaplan-Meier estimate
    draws       what is not known is drawn from what was measured, the same for both sides
    loop        the core in virtual time: offer, ring, talk, hang-up
    compare     what happened, the old rules simulated, the new rules simulated, side by side
    words       shows that to a person

Both sides are simulated with the same draws, so that their difference is the rules' doing and not chance's. What really
happened stands beside them, so that everybody sees how far the model is off.
"""
