"""PostgreSQL tables, sessions and repositories; the token vault; the media store.

Keeps and finds; decides nothing. Commits happen in `database.py` and nowhere else.
"""
