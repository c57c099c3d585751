"""What the environment says."""

import os

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql+psycopg://postgres@127.0.0.1/chat")
DATABASE_CONNECTIONS = int(os.environ.get("DATABASE_CONNECTIONS", "4"))  # of each worker process
SECRET_KEY = os.environ["SECRET_KEY"]
TOKEN_MINUTES = int(os.environ.get("TOKEN_MINUTES", "30"))
BCRYPT_COST = int(os.environ.get("BCRYPT_COST", "12"))
MAX_BODY_BYTES = 16 * 1024 * 1024
