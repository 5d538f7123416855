"""Order service: reports are recorded once by their natural keys, whatever order they come in.

An order's row is locked before its refunds are counted, so that two refunds at once never return the same piece.
"""

from loyalty.orders.service.purchases import Recorded, record_purchase
from loyalty.orders.service.refunds import RecordedRefund, apply_waiting, record_refund

__all__ = ["Recorded", "RecordedRefund", "apply_waiting", "record_purchase", "record_refund"]
