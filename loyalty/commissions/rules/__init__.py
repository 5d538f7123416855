"""Commission rules: what a plan says, what an order pays by it, and the states that follow."""
