"""Checkout (结算): a purchase as one act: points that pay are captured, what is paid in money earns, refunds undo both.

Everything about one purchase or refund happens in one transaction; the report itself is what a repeat runs into.
"""
