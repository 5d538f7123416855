"""Rules of missions, pure: what a mission says, what an event counts for it, and how that reads in Chinese."""
