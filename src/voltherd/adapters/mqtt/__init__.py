"""The bus over MQTT: paho-mqtt towards any broker."""
