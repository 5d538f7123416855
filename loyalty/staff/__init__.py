"""Staff (员工): accounts, roles, store scopes, log-in and sessions of the people who run it."""
