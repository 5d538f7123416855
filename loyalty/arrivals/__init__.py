"""Who came by which QR code (场景二维码): scans, first follows and enrolments, each counted once.

What a code stands for is ``loyalty.channels``; here stands who scanned it.
"""
