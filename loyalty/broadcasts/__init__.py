"""Broadcasts (群发): one marketing message to many members, sent in steps within the platform's rules and our caps.

A message goes by subscription message with a grant, by customer message inside its window, and into the inbox; never
by template message. Whom it went to is written before WeChat is called, and what may have gone is never sent again.
"""
