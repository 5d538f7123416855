"""The phone number behind the phone-number button of a mini program."""

from sandbox import codes, users
from sandbox.dispatch import OK, Answer, Call, endpoint
from sandbox.errors import ApiError

CALLING_CODES = ("86", "852", "853", "886", "1", "7", "33", "44", "49", "60", "61", "65", "66", "81", "82", "84")


@endpoint("/wxa/business/getuserphonenumber", kind="mp")
def phone_number(call: Call) -> Answer:
    """Exchanges a code; it works once, for five minutes, for the mini program it was made in."""
    world, account = call.world, call.account
    user_id, _ = codes.redeem(
        world, kind="phone", appid=account.appid, code=call.text("code", refuse=40029), used=40029, expired=40029
    )
    expected = call.body.get("openid")
    if expected and users.of_openid(world, appid=account.appid, openid=str(expected)) != user_id:
        raise ApiError(40029)
    phone = users.get(world, user_id)["phone"]
    if phone is None:
        raise ApiError(40029)
    country, pure = split(phone)
    return {
        **OK,
        "phone_info": {
            "phoneNumber": pure if country == "86" else phone,
            "purePhoneNumber": pure,
            "countryCode": country,
            "watermark": {"timestamp": int(world.clock.now()), "appid": account.appid},
        },
    }


def split(phone: str) -> tuple[str, str]:
    """The calling code and the rest of an international number; an unlisted code counts as two digits."""
    digits = phone.removeprefix("+")
    code = next((one for one in sorted(CALLING_CODES, key=len, reverse=True) if digits.startswith(one)), digits[:2])
    return code, digits.removeprefix(code)
