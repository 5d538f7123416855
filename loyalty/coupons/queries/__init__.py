"""Reads of coupons."""
