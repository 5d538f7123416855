"""Version 1 of the mini-program API, one file for each subject."""
