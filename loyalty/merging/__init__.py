"""Merging (合并): two memberships of one person become one, and the audit log tells how.

Everything that belongs to a member declares what a merge does with it; nothing is deleted.
"""
