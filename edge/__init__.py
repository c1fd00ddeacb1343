"""The gate's eyes: camera, tracker, matcher, vote, decision, outbox."""
