"""Risk (风控): who is blocked, what looks wrong, and who decides about it."""
