"""Rules of partners: keys and their limits, signatures, and how a member is named to a key."""
