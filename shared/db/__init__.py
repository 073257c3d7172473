"""The tables, the engines and the migrations; SQLite and PostgreSQL behave alike."""
