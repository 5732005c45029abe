from tests.database_server import make_database, server_url

__all__ = ["make_database", "server_url"]
