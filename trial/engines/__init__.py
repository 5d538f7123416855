"""PostgreSQL and a Redis-protocol server from wheels, started as ordinary processes over unix sockets.

Nothing outside the data folder (or its private temporary stand-in) is ever created, owned or opened up by this package.
"""
