"""Reads of referrals: programmes, shares, who invited whom, figures."""
