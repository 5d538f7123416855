"""Senders of codes by SMS (短信验证码), behind ``protocols.SmsSender``."""
