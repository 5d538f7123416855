"""Missions (任务): what members are asked to do, how far each of them is, and what it paid.

An event counts once for a mission, whenever and however often it is told. How far somebody is, is always reckoned from
the rows of what counted, so that order and lateness mean nothing; a step is paid once while it stands.
"""
