"""Rules of segments: the facts that can be asked, conditions made of them, and how they read in Chinese."""
