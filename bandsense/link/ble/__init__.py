"""Bluetooth Low Energy through bleak."""
