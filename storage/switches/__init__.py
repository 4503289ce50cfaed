"""What holds publishing, what is held, and how it is let go again."""
