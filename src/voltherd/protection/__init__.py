"""What keeps a pack within its limits whatever anybody asks: small, pure, last, deny by default."""
