"""Payments at terminals: cards, codes, third-party codes; refunds, reversals, offline batches."""
