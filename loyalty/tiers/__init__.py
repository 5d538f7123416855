"""Tiers (等级): a member's growth (成长值), apart from points, and the level it has reached.

Spending points never lowers growth. Each event adds growth once, by its reference.
"""
