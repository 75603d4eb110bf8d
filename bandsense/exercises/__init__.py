"""bandsense.exercises"""
