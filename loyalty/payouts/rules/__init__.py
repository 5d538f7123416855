"""Payout rules: states, tax, settings, refusals."""
