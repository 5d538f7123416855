"""Referrals (邀请): links members share, who came through them, and what is paid for it."""
