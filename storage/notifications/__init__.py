"""What people are told: deciding it, writing it down, reading it, and what they want to hear."""
