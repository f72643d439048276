"""[Re] CartoonX."""
