"""The phone: pages on which a person plays a WeChat user, and the stand-in for WeChat's JS-SDK.

The pages act through the control API only; whatever a person can do here a test can do by HTTP.
"""

from sandbox.phone.consent import consent_page, refusal_page
from sandbox.phone.door import blueprint
from sandbox.phone.pages import phone_page
from sandbox.phone.transfers import transfer_page

__all__ = ["blueprint", "consent_page", "phone_page", "refusal_page", "transfer_page"]
