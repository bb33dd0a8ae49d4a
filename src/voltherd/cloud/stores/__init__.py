"""Stores and books as the cloud's ports want them."""
