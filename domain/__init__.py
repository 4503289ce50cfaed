"""The vocabulary of scheduled publishing and its rules: pure, frozen, no I/O, no framework.

What needs a clock, a database or a network does not belong here; it is handed in as arguments.
"""
