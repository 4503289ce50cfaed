"""Users: who they are, where they are signed in, and the proofs they carry.

What a user may do is decided in `api/auth`; what mails they get, in `jobs`.
"""
