"""The quantities that decide the claims of [Re] CartoonX, each a function from tables to an effect over images."""
