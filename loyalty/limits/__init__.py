"""Limits (额度): the one primitive for stock, caps and budgets; exact under any concurrency, on every path."""
