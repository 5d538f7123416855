import pytest

from sandbox.defaults import MP_APPID, OA_APPID
from tests.sandbox.driver import API, SECRETS, Sim


def classic(sim: Sim) -> str:
    query = {"grant_type": "client_credential", "appid": OA_APPID, "secret": SECRETS[OA_APPID]}
    return str(sim.sns("/cgi-bin/token", **query)["access_token"])


def errcode(sim: Sim, token: str) -> int:
    """0 when the token works."""
    return int(sim.sns("/cgi-bin/tags/get", access_token=token).get("errcode", 0))


def test_stable_token_gives_the_living_token_again(sim: Sim) -> None:
    first = sim.stable_token(OA_APPID)
    sim.advance(3600)
    second = sim.stable_token(OA_APPID)
    assert first["access_token"] == second["access_token"]
    assert first["expires_in"] == 7200
    assert 3590 <= second["expires_in"] <= 3600


def test_stable_token_is_renewed_in_its_last_five_minutes_and_both_work_until_then(sim: Sim) -> None:
    old = sim.token(OA_APPID)
    sim.advance(7200 - 299)
    renewed = sim.stable_token(OA_APPID)
    assert renewed["access_token"] != old
    assert renewed["expires_in"] >= 300
    assert [errcode(sim, old), errcode(sim, renewed["access_token"])] == [0, 0]
    sim.advance(300)
    assert [errcode(sim, old), errcode(sim, renewed["access_token"])] == [42001, 0]


def test_stable_token_never_tells_a_life_under_five_minutes(sim: Sim) -> None:
    sim.token(OA_APPID)
    for step in (6800, 95, 5, 5, 5):
        sim.advance(step)
        assert sim.stable_token(OA_APPID)["expires_in"] >= 300


def test_force_refresh_kills_the_last_token_at_once(sim: Sim) -> None:
    leaked = sim.token(OA_APPID)
    fresh = sim.stable_token(OA_APPID, force_refresh=True)["access_token"]
    assert [errcode(sim, leaked), errcode(sim, fresh)] == [40001, 0]
    assert sim.token(OA_APPID) == fresh


def test_force_refresh_within_thirty_seconds_refreshes_nothing(sim: Sim) -> None:
    first = sim.stable_token(OA_APPID, force_refresh=True)["access_token"]
    sim.advance(25)
    assert sim.stable_token(OA_APPID, force_refresh=True)["access_token"] == first
    sim.advance(6)
    assert sim.stable_token(OA_APPID, force_refresh=True)["access_token"] != first


def test_force_refresh_works_twenty_times_a_day(sim: Sim) -> None:
    sim.morning()
    answers = []
    for _ in range(21):
        answers.append(sim.stable_token(OA_APPID, force_refresh=True).get("errcode", 0))
        sim.advance(31)
    assert answers == [0] * 20 + [45009]
    sim.advance(86400)
    assert "access_token" in sim.stable_token(OA_APPID, force_refresh=True)


def test_a_classic_token_dies_five_minutes_after_the_next_one(sim: Sim) -> None:
    old, new = classic(sim), classic(sim)
    assert old != new
    sim.advance(299)
    assert [errcode(sim, old), errcode(sim, new)] == [0, 0]
    sim.advance(2)
    assert [errcode(sim, old), errcode(sim, new)] == [40001, 0]


def test_classic_and_stable_tokens_do_not_touch_each_other(sim: Sim) -> None:
    stable, old = sim.token(OA_APPID), classic(sim)
    sim.stable_token(MP_APPID, force_refresh=True)
    classic(sim)
    sim.advance(301)
    assert [errcode(sim, stable), errcode(sim, old)] == [0, 40001]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"grant_type": "password"}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"appid": "wx0000"}, 40013),
        ({"secret": "wrong"}, 40125),
        ({"force_refresh": "yes"}, 47001),
    ],
)
def test_wrong_credentials_are_refused(sim: Sim, change: dict[str, str], expected: int) -> None:
    right = {"grant_type": "client_credential", "appid": OA_APPID, "secret": SECRETS[OA_APPID]}
    answer = sim.http("POST", f"{API}/cgi-bin/stable_token", json={**right, **change})
    assert answer.json()["errcode"] == expected


def test_stable_token_wants_post_and_token_wants_get(sim: Sim) -> None:
    assert sim.sns("/cgi-bin/stable_token")["errcode"] == 43002
    assert sim.http("POST", f"{API}/cgi-bin/token", json={}).json()["errcode"] == 43001


def test_an_address_outside_the_list_is_refused(sim: Sim) -> None:
    sim.control(f"/config/accounts/{OA_APPID}", {"ip_whitelist": ["10.0.0.1"]}, method="PATCH")
    answer = sim.stable_token(OA_APPID)
    assert answer["errcode"] == 40164
    assert "127.0.0.1" in answer["errmsg"]
