"""The corpus that Rivulet learns from: rules and texts, expanded by a seeded random generator."""
