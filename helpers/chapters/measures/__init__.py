"""The quantities that decide what this book claims about its own recipes, each a function from tables to an effect."""
