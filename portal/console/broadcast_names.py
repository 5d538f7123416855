"""What states, channels and reasons of broadcasts are called in the console."""

from loyalty.broadcasts.rules.channels import NAMES as CHANNEL_NAMES
from loyalty.broadcasts.rules.states import REASON_NAMES, BroadcastState

STATE_NAMES = {
    BroadcastState.RUNNING: "发送中",
    BroadcastState.PAUSED: "已暂停",
    BroadcastState.STOPPED: "已停止",
}
STATE_COLOURS = {BroadcastState.RUNNING: "green", BroadcastState.PAUSED: "orange"}
ERROR_NAMES = {
    "template_unknown": "微信账号中没有所用的订阅消息模板",
    "value_refused": "消息内容不符合微信对模板字段的要求",
    "page_unknown": "跳转的小程序页面不存在或尚未发布",
}

__all__ = ["CHANNEL_NAMES", "ERROR_NAMES", "REASON_NAMES", "STATE_COLOURS", "STATE_NAMES"]
