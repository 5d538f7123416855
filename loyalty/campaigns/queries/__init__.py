"""Reads of campaigns: what they say, and what they would do and cost."""
