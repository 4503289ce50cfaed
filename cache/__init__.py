"""What may be forgotten: a key-value store (Redis or this process's memory) and limits kept in it.

Nothing here is the truth about anything, and nothing here decides what a value means.
"""
