"""Plain numbers: kernels and statistics without a notion of vehicles."""
