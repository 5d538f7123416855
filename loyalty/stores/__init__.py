"""Stores (门店): the one tree of headquarters, regions and stores, and who sees which part of it."""
