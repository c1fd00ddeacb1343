"""What every HTTP API shares: problem details, cursor paging, idempotency keys."""
