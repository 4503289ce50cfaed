"""People of the load test: who they are, what they do, and what they are answered.

`python -m bench.social` is a process of its own, as Locust turns every wait of its process into a
switch to another person. `bench/load_test.py` starts it, after it registered its `population`; what
they tell each other is in `plan` and `samples`.
"""
