"""Adjustments (人工调整): points given or taken by staff, one by one or by a file, with reason and approval."""
