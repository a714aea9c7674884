"""What the optimum is like: how far equally good metrics lie apart, what it depends on, and the corner it sits in."""
