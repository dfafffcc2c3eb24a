"""What is planned and chosen, measured."""
