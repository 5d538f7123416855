"""Rules of tags: what a tag may be called, and how a list of members is read."""
