#!/usr/bin/env python3
"""Read the caller's number back to him: a sample AGI script, in Python with pyst2.

It knows nothing of callfloor. In ivr.conf it is run by

    choice = 7, script callers_number.py

and an Asterisk without callfloor runs the same file, from its own agi-bin, by `AGI(callers_number.py)`.
"""

from asterisk.agi import AGI

agi = AGI()  # reads the headers: who calls, from where, what was dialled
agi.answer()

number = agi.env["agi_callerid"].lstrip("+")
if number.isdigit():
    while True:
        agi.stream_file("telephone-number")  # prompts that come with Asterisk, without their extension
        agi.say_digits(number)
        if agi.get_data("vm-repeat", 4000, 1) != "5":  # "press 5 to repeat this message", and one key within 4 s
            break
else:
    agi.stream_file("vm-unknown-caller")  # withheld, or letters

# When the caller hangs up, the next command raises AGIHangup or AGIAppError and the script ends: nobody is there to be
# told, so nothing is caught. What must happen in any case goes into `finally`; it has three seconds.
