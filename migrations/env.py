"""Runs the migrations on the engine that the application was made with."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection, event

from loyalty.models import Base

LOCK_TIMEOUT = "5s"


def run_migrations() -> None:
    """Upgrade or downgrade in one transaction for each migration, with a bound on lock waits."""
    engine = current_app.extensions["container"].database.engine
    with engine.connect() as connection:
        event.listen(connection, "begin", _bound_lock_waits)
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            compare_server_default=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


def _bound_lock_waits(connection: Connection) -> None:
    # For each transaction anew: a setting of the session would stay behind on a pooled connection.
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")


run_migrations()
