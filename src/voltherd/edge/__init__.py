"""The application in the vehicle: protect, estimate, detect, act, buffer, publish."""
