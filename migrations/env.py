"""Runs the migrations on the engine that the application was made with."""

from alembic import context
from flask import current_app

from loyalty.models import Base

LOCK_TIMEOUT = "5s"


def run_migrations() -> None:
    """Upgrade or downgrade in one transaction for each migration, with a bound on lock waits."""
    engine = current_app.extensions["container"].database.engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            compare_server_default=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            context.run_migrations()


run_migrations()
