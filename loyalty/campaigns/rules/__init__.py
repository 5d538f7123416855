"""Rules of campaigns: pure data and functions."""
