"""`/v1/feed`: what is public on the built-in network. Reading it needs no key."""
