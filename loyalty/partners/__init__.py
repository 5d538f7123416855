"""Partners (合作系统): the keys of POS, ERP and CRM systems, and what a system may learn of a member.

A key acts for its stores alone. A member is named to it by a reference that is bound to the key and lasts
fifteen minutes; members who never dealt with its stores do not exist for it, unless they show their code.
"""
