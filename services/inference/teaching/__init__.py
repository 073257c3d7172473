"""Teaching: people say what they hear where the model was least sure, and the library learns it."""
