"""Who is measured: each contender gets the same load and the same fresh networks.

Here belongs how a contender is set up and driven; nothing of what is made of its figures.
"""
