"""What callers hear and press, what agents dial, and the only door to Asterisk.

The switch      ami, channels, switch: AMI, what its events mean, commands to it; asterisk: finds, fetches, runs it
The call flows  agi, fastagi: protocol and server; flow, runner, performer: steps, and who performs them
The menus       menus, actions, hours: ivr.conf to flows; flows: flows in Python; scripts: AGI scripts a site has
The voice       prompts, voices, audio: recordings, text to speech, the cache; phrases: what callfloor itself says
The agent       handset: the desk on a keypad
The whole       server: constructs everything; cli, check, screen, demo: the command
Line checks     softphone, phone_engine: SIP phones and their processes; tones: what can be heard on them
"""
