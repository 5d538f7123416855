"""The template library (模板库): looked at every night, with an alarm for what no longer fits."""

import structlog

from jobs.periodic import Alarm, PeriodicRun
from loyalty.channels.service import sync_library
from loyalty.channels.service.library import Account
from loyalty.kernel.database import Json
from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.transaction import run
from loyalty.notices.mappings import count_broken

log = structlog.get_logger("jobs.library")


def sync_template_libraries(periodic: PeriodicRun) -> Json:
    """Learn the templates of every account, one after the other, whatever becomes of the others.

    Raises:
        Alarm: WeChat did not tell the templates of an account, or a setting in use no longer fits.
    """
    container = periodic.container
    accounts: list[Account] = [*container.official_accounts.values(), *container.mini_programs.values()]
    templates = failed = 0
    for account in accounts:
        try:
            templates += sync_library(container.database, account, at=container.clock.now()).templates
        except LoyaltyError as error:
            log.warning("template_library_unknown", appid=account.appid, reason=error.code)
            failed += 1
        periodic.beat()
    broken = run(container.database, count_broken)
    result = {"templates": templates, "accounts_failed": failed, "broken": broken}
    if failed or broken:
        raise Alarm("message templates need attention", result)
    return result
