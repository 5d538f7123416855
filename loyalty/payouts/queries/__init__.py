"""Reads of payouts: payouts themselves, the settings that hold, income so far, batches and bills."""
