"""Rules of members, without table, session or clock: one file for each subject."""
