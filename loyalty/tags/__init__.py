"""Tags (标签): words that staff put on members, by which rules, coupons and messages choose them.

A tag is referred to by its id, so that renaming it changes nothing; no tag is ever deleted.
"""
