"""What people report, and what they are told of decisions about their own things."""
