"""Segments (分群): which members fulfil a condition (条件), counted, sampled, kept as a snapshot, or kept as a tag.

A condition is a document that means the same everywhere it is kept. Who is found is always a living member: neither
closed, nor merged into another, nor still provisional; what a merged member did counts for the survivor.
"""
