"""Earning (积分规则): which events earn how much, by revisions that never change, each result explained."""
