"""Check-ins (签到): one a member and business date, paid by the day of the streak (连签).

The database decides that there is one: the row itself is what a second tap runs into. Streaks are computed from
rows, and what is shown ahead comes from the function that pays.
"""
