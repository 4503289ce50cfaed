"""Servers that speak the networks' HTTP contracts, with faults on demand and a ground truth to ask.

Here belongs what a network does when it is called. Nothing of ours that calls one belongs here,
and no import from our other rooms.
"""
