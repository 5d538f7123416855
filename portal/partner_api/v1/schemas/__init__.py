"""Schemas of requests and answers, one file for each subject."""
