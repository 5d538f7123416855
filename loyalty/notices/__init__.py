"""Notices (通知): what members are owed to hear, over which channel, and what became of it."""
