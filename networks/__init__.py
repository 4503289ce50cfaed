"""A folder a network, all behind one Protocol; the error tree; the HTTP client.

Knows how a network speaks HTTP. Knows nothing of deliveries, retries, databases or Temporal.
"""
