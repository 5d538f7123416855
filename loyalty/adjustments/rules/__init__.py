"""Adjustments rules: reasons, how much one person may give, the life of a batch, and what a line of a file says."""
