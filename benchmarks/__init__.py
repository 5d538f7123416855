"""Measures what matters against the physical limit of the same machine, in the same run, side by side.

A row names what is measured and what it is held against; its sides take turns in short rounds, so that whatever
else the machine does meets all of them. Only ratios carry over to another machine. After every round the books are
checked: a run that loses or doubles anything is worth nothing and fails.
"""
