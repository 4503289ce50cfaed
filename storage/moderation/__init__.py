"""Reports, what moderators decide, what is held for a suspension, and the log of all of it."""
