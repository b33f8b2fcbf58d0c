"""Tests of trunk lines: a call goes out over one, says something known, and judges what comes back.

    tester      when a line is tested
    choice      which line, and whether at all
    hold        that nobody else gets it meanwhile
    call        the call as the switch sees it: dials, presses keys, reads what was counted
    near_end    a process of its own at the call's near end (AudioSocket): sends the probe, hears the echo
    probe       the known sound, and what an echo tells: delay, jitter, level, gaps (numpy)
    emodel      what a person would think of such a line: ITU-T G.107
    report      the verdict
    history     the tests that were

The far end is any number that echoes; callfloor is one by the flow `line-echo`. Sound goes through Asterisk alone: no
softphone is needed, and it is the very line, codec and trunk that a caller would have.
"""
