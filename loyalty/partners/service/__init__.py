"""Use cases of partners: keys and their requests, members as a key may name them."""
