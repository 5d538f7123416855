"""Staff use cases: accounts, log-in and sessions, passwords, the second factor."""

from loyalty.staff.service.accounts import (
    create_staff,
    reset_password,
    set_active,
    update_staff,
)
from loyalty.staff.service.login import (
    admit_try,
    authenticate,
    log_out,
    note_failure,
    open_session,
)
from loyalty.staff.service.own_account import admit_password_try, change_password
from loyalty.staff.service.second_factor import (
    admit_code_try,
    begin_totp,
    confirm_totp,
    pass_totp,
    remove_totp,
)

__all__ = [
    "admit_code_try",
    "admit_password_try",
    "admit_try",
    "authenticate",
    "begin_totp",
    "change_password",
    "confirm_totp",
    "create_staff",
    "log_out",
    "note_failure",
    "open_session",
    "pass_totp",
    "remove_totp",
    "reset_password",
    "set_active",
    "update_staff",
]
