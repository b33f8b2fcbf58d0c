"""The distributor: which call goes to which seat, and why. Runs headless, without telephony.

core         the mind: events in, commands out (wall 1)
dispatcher   one inbox, one loop: stamps, journals, lets the core decide, hands out the commands
journal      every event with the commands that followed, before these are carried out (wall 3)
ports        what the world outside must offer
conf         reads Asterisk-syntax files           settings   the one table of all options
desk         what agents ask for, whatever they hold in hand
control      the local socket by which the command line looks at a running server
"""
