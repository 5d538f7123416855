"""Rules of referrals: links, openings, whom an invitation counts for, what it pays. No table, no clock."""
