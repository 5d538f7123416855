"""A local WeChat platform: accounts, users, messages and pushes, for trial, development and tests.

It is a process of its own, imports nothing of the system under test and never calls out to the real platform.
"""
