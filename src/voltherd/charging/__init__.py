"""Plans of depot charging: cheapest, inside every limit, certified how near the best."""
