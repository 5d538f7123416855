"""Version 1 of the partner API, one file for each subject."""
