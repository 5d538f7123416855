"""Reads of risk: the rules that hold, what is counted, the review queue, the blocklist."""
