"""Use cases of campaigns; each is one transaction of the caller's."""
