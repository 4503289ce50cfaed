"""The Socket.IO server: who is connected, and what reaches them live.

What is true is in storage; here it is only told.
"""
