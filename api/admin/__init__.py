"""What moderators and admins see and do: one pair of files for each of their stories.

Every act is written to the audit log in the transaction that does it.
"""
