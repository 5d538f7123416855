"""The way out: WeChat and SMS, behind Protocols that speak our words.

Everything is called outside transactions, with a timeout and a bound on retries. Nothing above this
package knows an ``errcode`` or a vendor's library.
"""
