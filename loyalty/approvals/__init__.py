"""Approvals (复核): what costs money is made by one person and approved by another."""
