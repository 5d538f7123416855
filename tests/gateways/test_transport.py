import os
import socket
from collections.abc import Iterator

import pytest
import requests

from loyalty.gateways.transport import GatewayAdapter, mount
from tests.gateways.conftest import Sandbox


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_call_that_forgot_its_timeout_has_one(silent_port: int) -> None:
    session = requests.Session()
    session.mount("http://", GatewayAdapter(None, timeout=(0.2, 0.2)))

    with pytest.raises(requests.ReadTimeout):
        session.get(f"http://127.0.0.1:{silent_port}/")


def test_the_original_host_becomes_the_first_segment_of_the_path(sandbox: Sandbox) -> None:
    session = mount(requests.Session(), sandbox_url=sandbox.url + "/")

    answer = session.get("https://api.weixin.qq.com/sns/jscode2session", params={"appid": "中 &"})

    assert answer.url.startswith(f"{sandbox.url}/api.weixin.qq.com/sns/jscode2session?appid=%E4%B8%AD+%26")
    assert sandbox.calls("jscode2session")


def test_one_pool_serves_every_call(sandbox: Sandbox) -> None:
    session = mount(requests.Session(), sandbox_url=sandbox.url)
    adapter = session.get_adapter("https://api.weixin.qq.com/")
    assert isinstance(adapter, GatewayAdapter)

    for _ in range(3):
        session.get("https://api.weixin.qq.com/sns/jscode2session")

    (key,) = adapter.poolmanager.pools.keys()
    assert adapter.poolmanager.pools[key].num_requests == 3


def test_a_child_process_opens_connections_of_its_own(sandbox: Sandbox) -> None:
    session = mount(requests.Session(), sandbox_url=sandbox.url)
    session.get("https://api.weixin.qq.com/sns/jscode2session")
    adapter = session.get_adapter("https://api.weixin.qq.com/")
    assert isinstance(adapter, GatewayAdapter)

    child = os.fork()
    if child == 0:
        os._exit(len(adapter.poolmanager.pools))
    _pid, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert len(adapter.poolmanager.pools) == 1
