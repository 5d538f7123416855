"""What a person is told about how their binding ended."""

from loyalty.members.rules.binding import BindingKind

MESSAGES = {
    BindingKind.ENROLLED: "入会成功，欢迎加入",
    BindingKind.JOINED: "已关联您的会员账户",
    BindingKind.CONFIRMED: "入会成功，之前在门店累计的积分已可使用",
    BindingKind.ALREADY_BOUND: "您已绑定该手机号",
    BindingKind.PHONE_CHANGED: "手机号已更换",
    BindingKind.PHONE_DIFFERS: "您的会员账户已绑定其他手机号，如需更换请到「我的-更换手机号」",
    BindingKind.NEEDS_SECOND_PROOF: "该手机号已关联其他微信，请完成身份核验",
    BindingKind.MERGE_OFFERED: "发现您有两个会员账户，可以合并为一个",
}
