from flask.testing import FlaskClient

from loyalty.gateways.answers import MiniProgramLogin
from loyalty.gateways.errors import WechatUnavailable
from tests.miniprogram_api.conftest import BASE, MiniProgram
from tests.support.containers import NullContainer
from tests.support.settings import MP_APPID, OA_APPID


def _log_in(client: FlaskClient, code: str = "code", appid: str = MP_APPID) -> tuple[int, dict[str, object]]:
    response = client.post(f"{BASE}/sessions", json={"appid": appid, "code": code})
    assert response.json is not None
    return response.status_code, response.json


class TestLogIn:
    def test_lets_a_stranger_in_as_a_visitor(self, client: FlaskClient, container: NullContainer) -> None:
        container.mp.logins["code"] = MiniProgramLogin("o_stranger", None, "session-key")

        status, body = _log_in(client)

        assert status == 201
        assert body["is_member"] is False
        assert "session-key" not in str(body)
        me = client.get(f"{BASE}/me", headers={"Authorization": f"Bearer {body['token']}"})
        assert me.json == {"is_member": False, "member": None}

    def test_asks_for_a_new_code_when_the_code_is_not_good(self, client: FlaskClient) -> None:
        status, body = _log_in(client)

        assert status == 422
        assert body["error"]["code"] == "wechat_code_invalid"  # type: ignore[index]

    def test_says_when_wechat_does_not_answer(self, client: FlaskClient, container: NullContainer) -> None:
        container.mp.logins["code"] = WechatUnavailable()

        assert _log_in(client)[0] == 503

    def test_refuses_an_appid_that_is_no_mini_program_of_ours(self, client: FlaskClient) -> None:
        assert _log_in(client, appid=OA_APPID)[0] == 404

    def test_ends_at_once_when_logged_out(self, mini_program: MiniProgram) -> None:
        assert mini_program.get("/me").status_code == 200

        assert mini_program.send("DELETE", "/sessions/current").status_code == 204

        assert mini_program.get("/me").status_code == 401


class TestRefusals:
    def test_a_missing_token_and_a_wrong_token_are_refused(self, client: FlaskClient) -> None:
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}):
            response = client.get(f"{BASE}/points", headers=headers)
            assert response.status_code == 401
            assert response.json is not None
            assert response.json["error"]["message"]

    def test_unknown_fields_are_named(self, client: FlaskClient) -> None:
        response = client.post(f"{BASE}/sessions", json={"appid": MP_APPID, "code": "c", "admin": True})

        assert response.status_code == 422
        assert response.json is not None
        assert "admin" in response.json["error"]["details"]["fields"]["json"]

    def test_a_body_that_is_not_json_is_refused(self, client: FlaskClient) -> None:
        for data, content_type in ((b"\xff\xfe\x00garbage", "application/json"), (b"a=b", "text/plain")):
            response = client.post(f"{BASE}/sessions", data=data, content_type=content_type)
            assert response.status_code in (400, 415, 422)
            assert response.json is not None
            assert response.json["error"]["code"]

    def test_a_body_that_is_too_large_is_refused(self, client: FlaskClient) -> None:
        response = client.post(f"{BASE}/sessions", json={"appid": MP_APPID, "code": "x" * 2_000_000})

        assert response.status_code == 413

    def test_an_unknown_path_and_a_wrong_method_answer_in_json(self, client: FlaskClient) -> None:
        assert client.get(f"{BASE}/nothing").json["error"]["code"] == "not_found"  # type: ignore[index]
        assert client.put(f"{BASE}/points").json["error"]["code"] == "method_not_allowed"  # type: ignore[index]
