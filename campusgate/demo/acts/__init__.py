"""The scenes, by subject. A scene plays, and returns what had to be so and what was."""
