"""Members (会员) and the WeChat identities (微信身份) through which they come.

A phone number belongs to one member at most, an identity to one (appid, openid); nothing personal
is stored in clear except the openid and unionid that messages and log-ins need.
"""
