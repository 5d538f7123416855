"""Roll-ups (汇总): daily figures of each store, kept in step with the rows that they count and proved equal to them.

Points are added up entry by entry behind a watermark; other facts are counted anew, day by day. Whatever no roll-up
holds yet is counted from the rows themselves when a board is read, so that a board is exact however late the jobs are.
Nothing here is a source of truth: a roll-up may be thrown away and built again at any time.
"""
