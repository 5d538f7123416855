"""WeChat Pay (微信支付): one merchant, its keys and its money, and transfers to users (商家转账)."""
