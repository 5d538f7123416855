"""Privacy (隐私): everything held on a person, closing an account, erasure, and key rotation.

All of them walk every table by its own declaration, so a table that is forgotten fails a test.
"""
