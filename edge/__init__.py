"""What a gate does with its camera: recognition, decision, signed commands, events, health."""
