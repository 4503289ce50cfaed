"""A model of the system that can be larger than any machine here: its costs, its way, its answers.

Everything that is measured goes into `costs.py` and `measured.py`; nothing here starts a process.
"""
