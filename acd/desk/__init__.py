"""The desk: what an agent asks of the distributor, and what an agent may see, whatever is in the agent's hands.

The keypad of a handset (`ivr/handset`) works through it.
"""
