"""One's own account: password and second factor."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from loyalty.kernel.errors import LoyaltyError
from loyalty.kernel.qr import qr_svg
from loyalty.kernel.transaction import run
from loyalty.staff import service, totp
from loyalty.staff.rules import Permission
from portal.console import forms
from portal.console.access import actor, current_staff, requires
from portal.console.blueprint import blueprint
from portal.context import container
from portal.errors import status_of

SECRET_LENGTH_MAX = 200


@blueprint.get("/password")
@requires(Permission.SELF, before_password_change=True)
def password() -> str:
    """Show the form to change one's password."""
    return render_template("console/password.html")


@blueprint.post("/password")
@requires(Permission.SELF, before_password_change=True)
def change_password() -> Response | tuple[str, int]:
    """Change one's password."""
    current, new, again = (request.form.get(name, "")[:SECRET_LENGTH_MAX] for name in ("current", "new", "again"))
    at, caller = container().clock.now(), current_staff()
    try:
        if new != again:
            raise PasswordsDiffer
        run(
            container().database,
            lambda session: service.admit_password_try(session, caller=caller, at=at),
        )
        run(
            container().database,
            lambda session: service.change_password(
                session, caller=caller, current=current, new=new, actor=actor(), at=at
            ),
        )
    except LoyaltyError as error:
        flash(error.message, "danger")
        return render_template("console/password.html"), status_of(error)
    flash("密码已修改，其他设备上的登录已退出", "success")
    return redirect(url_for("console.home"), 303)


@blueprint.get("/second-factor")
@requires(Permission.SELF)
def second_factor() -> str:
    """Show the secret to scan, or that the second factor is on."""
    caller = current_staff()
    if caller.has_totp:
        return render_template("console/second_factor.html", secret=None, picture=None)
    vault = container().vault
    secret = run(
        container().database,
        lambda session: service.begin_totp(session, vault=vault, caller=caller),
    )
    return render_template("console/second_factor.html", secret=secret, picture=_picture(secret, caller.username))


@blueprint.post("/second-factor")
@requires(Permission.SELF)
def confirm_second_factor() -> Response:
    """Switch the second factor on."""
    vault, caller, at = container().vault, current_staff(), container().clock.now()
    code = forms.text("code")
    return forms.act(
        lambda session: service.confirm_totp(session, vault=vault, caller=caller, code=code, actor=actor(), at=at),
        done="动态口令已开启，下次登录时需要输入",
        back=url_for("console.second_factor"),
    )


class PasswordsDiffer(forms.InvalidField):
    """The new password was typed differently the second time."""

    code = "passwords_differ"
    message = "两次输入的新密码不一致"


def _picture(secret: str, username: str) -> str:
    uri = totp.provisioning_uri(secret, username=username, issuer=container().settings.programme_name)
    return qr_svg(uri)
