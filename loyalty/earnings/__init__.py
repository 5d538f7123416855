"""Earnings (收益): money the brand owes its members, in fen, with a ledger that can be proved.

Whatever changes an account goes through ``posting``: the account and its entry change together or not at all, and
every entry continues the member's hash chain.
"""
