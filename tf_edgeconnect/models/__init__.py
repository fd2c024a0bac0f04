"""Networks as functional Keras models, what they are fed, and how they are stored."""
