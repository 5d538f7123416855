"""Commission queries: plans, commissions and their figures, and what of orders was paid in money."""
