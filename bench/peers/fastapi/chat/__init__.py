"""Accounts, conversations and messages over HTTP, with FastAPI and SQLAlchemy."""
