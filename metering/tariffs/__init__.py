"""What water and electricity cost, pure: prices with a start date, quotas, tiers, time of use."""
