"""The proof of "once, and only once": real processes, killed at named points, and then counted.

Everything that only the proof needs is here; nothing that publishes knows of it.
"""
