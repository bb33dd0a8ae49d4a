"""Plans of depot charging: cheapest, inside every limit, with a certified distance from the best."""
