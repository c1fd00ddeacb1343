"""The top-ups' API: holders and channels, the card centre."""
