"""The domain of a loyalty programme (会员积分), free of any web, queue or vendor framework.

Modules stand in one declared order (see ``pyproject.toml``) and import only downwards.
"""
