"""The process of one softphone: a program of its own, `python -m ivr.phone_engine DESCRIPTOR`.

`engine`   PJSIP on one thread          `messages`   what goes to and fro between the process and its owner

Its owner is `ivr.softphone`. It may run under another Python than its owner, one that has nothing but the standard
library, msgspec and pjsua2: so it imports nothing else, and nothing of the rest of callfloor.
"""
