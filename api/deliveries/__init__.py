"""`/v1/deliveries`: one post on its way to one account."""
