"""Questions of speed and accuracy, one a file, each answered by measuring."""
