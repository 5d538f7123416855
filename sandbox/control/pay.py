"""Control API: the merchant's keys and money, the bills, and what their users do with them."""

from flask import Response, jsonify

from sandbox.control.door import Malformed, blueprint, body, need
from sandbox.pay import book, transfers
from sandbox.pay.keys import keys_of, public_pem
from sandbox.world import current_world

STATES = ("ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM", "TRANSFERING", "SUCCESS", "FAIL", "CANCELLED")


@blueprint.get("/pay/merchant")
def show_merchant() -> Response:
    """What the merchant's console shows; the private key only when the sandbox made it."""
    world = current_world()
    keys = keys_of(world)
    return jsonify(
        mch_id=world.config.merchant.mch_id,
        serial_no=keys.serial_no,
        private_key=keys.merchant_private_key,
        public_key_id=keys.public_key_id,
        public_key=public_pem(keys.platform_key.public_key()),
        api_v3_key=keys.api_v3_key,
        balance_fen=book.balance(world),
    )


@blueprint.post("/pay/top-up")
def top_up() -> Response:
    """Puts money on the operating account; a negative amount takes some from it."""
    world = current_world()
    left = book.top_up(world, need(body(), "amount_fen", int))
    transfers.advance(world)
    return jsonify(balance_fen=left)


@blueprint.get("/pay/book")
def show_book() -> Response:
    """The sandbox's own book: every movement of money and every bill."""
    world = current_world()
    transfers.advance(world)
    bills = [transfers.public(dict(row)) for row in world.store.rows("SELECT * FROM transfers ORDER BY id")]
    return jsonify(balance_fen=book.balance(world), flows=book.flows(world), transfers=bills)


@blueprint.post("/pay/business-keys")
def declare_business_keys() -> Response:
    """Says for which business key each bill pays: {"keys": {out_bill_no: key}}."""
    keys = need(body(), "keys", dict)
    if not all(isinstance(key, str) and key for key in keys.values()):
        raise Malformed("keys must map numbers of bills to texts")
    book.declare(current_world(), keys)
    return jsonify(ok=True)


@blueprint.get("/pay/alarms")
def list_alarms() -> Response:
    """Double payments seen; a test run in which there is one has failed."""
    return jsonify(book.alarms(current_world()))


@blueprint.delete("/pay/alarms")
def forget_alarms() -> Response:
    """Forgets the double payments, for tests of the detector."""
    book.forget_alarms(current_world())
    return jsonify(ok=True)


@blueprint.post("/pay/transfers/<out_bill_no>/move")
def move_transfer(out_bill_no: str) -> Response:
    """Moves a bill on that a fault holds back: {"state", "fail_reason"?}."""
    world, given = current_world(), body()
    state = need(given, "state", str)
    if state not in STATES:
        raise Malformed(f"state must be one of {', '.join(STATES)}")
    bill = transfers.go_on(world, out_bill_no, state=state, fail_reason=given.get("fail_reason"))
    return jsonify(transfers.public(bill))


@blueprint.get("/users/<int:user_id>/transfers")
def list_transfers(user_id: int) -> Response:
    """The person's wallet (零钱) and bills, newest first."""
    world = current_world()
    transfers.advance(world)
    bills = transfers.of_user(world, user_id)
    wallet = sum(bill["amount"] for bill in bills if bill["state"] == "SUCCESS")
    return jsonify(
        wallet_fen=wallet, mch_id=world.config.merchant.mch_id, items=[transfers.public(bill) for bill in bills]
    )


@blueprint.post("/users/<int:user_id>/transfers/confirm")
def confirm_transfer(user_id: int) -> Response:
    """requestMerchantTransfer, and the person taps 收款: {"mchId", "appId", "package"}."""
    world, given = current_world(), body()
    transfers.advance(world)
    bill = transfers.confirm(
        world,
        user_id=user_id,
        mch_id=need(given, "mchId", str),
        appid=need(given, "appId", str),
        package=need(given, "package", str),
    )
    return jsonify(transfers.public(bill))
