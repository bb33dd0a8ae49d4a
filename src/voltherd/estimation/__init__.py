"""What the cells' state is: functions from samples to estimates with their uncertainty."""
