"""What commands need of charging stations."""
