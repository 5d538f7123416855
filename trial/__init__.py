"""The trial: embedded engines, keys, one supervisor and its children, for a machine that has nothing installed.

Never imported by the product itself, and refuses to run with ``PORTAL_ENV=production``.
"""
