"""Letters on their way out: what a mail is, and who carries it.

What mails say and when they are sent is not decided here.
"""
