"""From the outbox to Temporal: what was decided in a transaction is done here, after it.

Any number of relays may run at once: each item is done by one, and doing it twice is harmless.
"""
