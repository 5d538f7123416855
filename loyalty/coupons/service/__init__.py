"""Use cases of coupons; each is one transaction of the caller's."""
