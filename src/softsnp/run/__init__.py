"""A specification driven live: tasks that come and go, a seeded scheduler, recordings."""
