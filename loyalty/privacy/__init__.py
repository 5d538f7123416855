"""Privacy (隐私): everything held on a person, closing an account, and erasure.

Both walk every table by its own declaration, so a table that is forgotten fails a test.
"""
