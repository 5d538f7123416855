"""Orders (订单): the purchases and refunds that tills and shops report to us, as they reported them.

A purchase is known by its source and order number for ever, a refund by its source and refund number; the database
decides which report came first. Refunds of an order never add up to more than a line's quantity and amount.
"""
