"""Commissions (佣金): what a member earns on the purchases of friends they invited, in fen.

One paid level; a second one only by a plan whose publisher agreed to the warning; a third does not exist. A commission
is one row for an order and a level, for ever; what it owes its member stands in the ledger of ``earnings``.
"""
