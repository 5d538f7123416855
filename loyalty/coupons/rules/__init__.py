"""Coupon rules: terms of a template, what they are worth for a basket, and the life of a coupon."""
