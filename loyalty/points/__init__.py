"""Points (积分): accounts, the append-only ledger, lots and what drew on them.

Whatever changes a balance goes through ``posting``: the account, its entry, the lots and the event change
together or not at all, and every entry continues the member's hash chain.
"""
