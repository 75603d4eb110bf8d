"""What is kept of people, bands and sensors."""
