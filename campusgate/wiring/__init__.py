"""From settings to services: each module builds what one room needs, and reads no setting of another."""
