"""Payouts (打款): money sent to members, never twice.

A payout and its entry in the earnings ledger are made in one transaction. Its number at WeChat Pay is derived once and
never changes; its state moves only forward, under the row's lock, by one function that answers, polls and callbacks
share; a create goes out again only after a query has said that WeChat Pay knows no such bill.
"""
