"""bandsense.workout"""
