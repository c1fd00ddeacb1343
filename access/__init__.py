"""Who may pass where and when: the pure decision, the directory a gate receives, and the gate's local replica of it."""
