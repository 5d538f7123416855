"""Rules of risk: what is looked at, which rule fires, who may be blocked. Nothing here reads a table or a clock."""
