"""What people are told: the list, how much is unread, and what they want to hear of."""
