"""Use cases of referrals, one file each."""
