"""Payments at terminals: cards, codes, third-party codes; limits, holds, refunds, reversals, offline batches."""
