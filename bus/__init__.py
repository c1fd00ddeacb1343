"""The message bus: a connection that comes back (MQTT), and the embedded broker."""
