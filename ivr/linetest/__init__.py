"""Tests of trunk lines: a call goes out over one, says something known, and judges what comes back.

`probe`     the known sound, and what a recording tells of its echo: delay, level, gaps (numpy)
`emodel`    what a person would think of such a line: ITU-T G.107
"""
