"""Figures of the past, all derived from the journal and nothing else.

    facts       stays (a call's wait in one queue), attempts (offers and the talks they led to), spans (what a seat did)
    ledger      folds events and commands into these
    metrics     the figures, each a function of what was counted, each with its source
    table       counts facts into intervals
    words       shows a report to a person

Every anchor of the field defines service level, abandons and occupancy in its own way. So every figure here names its
formula, and where the field disagrees all variants are given side by side.
"""

from acd.reports.facts import Attempt, Span, Stay
from acd.reports.ledger import Ledger

__all__ = ["Attempt", "Ledger", "Span", "Stay"]
