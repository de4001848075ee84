"""Clients for MQTT brokers that guests name."""
