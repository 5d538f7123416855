"""The demo seed (演示数据): a small chain with its staff, its texts and members with a history.

Made of calls to services only, so that it can show nothing the product could not do. Seeding again adds what is
missing and changes nothing that is there. Production refuses it.
"""
