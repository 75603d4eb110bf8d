"""Firmware update over the air."""
