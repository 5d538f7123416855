"""Campaigns (活动): a marketer picks who, what, when and how much; sees it before, watches it, undoes it."""
