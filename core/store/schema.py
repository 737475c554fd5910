"""Brings a database's schema up to date, in process and inside the caller's transaction.

Leans on Alembic. The migrations are ordinary modules of this package, so an installed wheel carries them and no
`alembic.ini` is needed. A revision that this program does not know was written by a newer one, and is refused: going on
would damage what it does not understand. Alembic takes a second to import, so it is only where something is to migrate.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from core.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = "0008"
"""The revision this program works with: the newest in `MIGRATIONS`, as a test holds."""


def migrate(connection: Connection) -> None:
    """Run the missing migrations on `connection`; StoreError if the schema is newer than this program."""
    current = None
    if inspect(connection).has_table("alembic_version"):
        current = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if current == NEWEST:
        return

    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise newer()
    command.upgrade(config, "head")


def newer() -> StoreError:
    """Say that the schema is one this program does not know."""
    return StoreError(
        "The database was written by a newer version of Lampkeeper.",
        "Install that version or a later one, or restore the backup made before the upgrade.",
    )
