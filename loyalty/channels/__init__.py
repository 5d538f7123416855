"""Our Official Accounts and mini programs as channels: templates, menus, replies, QR codes, pushes.

No table here knows a member; pushes name openids and keep them sealed.
"""
