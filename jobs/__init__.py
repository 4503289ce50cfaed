"""What was decided in a transaction and is done after it, exactly once in effect: a handler a kind.

The loop that takes jobs and runs them is here too, and what runs them as Temporal activities. What
is decided, and when, is not: that is said with `storage.jobs.put`.
"""
