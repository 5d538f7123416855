"""Coupons (券): templates, coupons issued by them, their use at the till, and what a basket costs with them.

A coupon keeps the revision of its template that issued it: what it is worth and where it holds never changes
afterwards. Stock and caps are limits, reserved in the transaction that issues. A coupon is redeemed once.
"""
