"""What every module stands on: database, transaction, outbox, errors, clock, crypto.

Nothing here knows a member, a point or a coupon.
"""
