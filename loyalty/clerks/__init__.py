"""Clerks (店员): coupons taken at the till with a clerk's own phone.

A clerk acts for one store of their scope at a time. A code names a member or a coupon for a quarter of an hour, to
the clerk who read it and at that store alone.
"""
