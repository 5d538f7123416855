"""How tests are spread over processes: one by one, but those that share one running system stay together."""

from xdist.scheduler import LoadScopeScheduling

SHARE_A_SYSTEM = ("tests/browser/", "tests/journeys/", "tests/kill/test_coupon_paths.py")


class SystemScheduling(LoadScopeScheduling):
    """Gives all tests that share a system to one process, first, since it takes longest."""

    # Done here, because xdist 3.8 does not see its own ``xdist_group`` marks under pytest 9.2.
    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in SHARE_A_SYSTEM if nodeid.startswith(folder)), nodeid)
