"""The rows of the parameter table, by what they are about."""
