"""novatune-streamd revoke beside the stack, with a role of the database and a user of the store of its own."""

from harness.side_process import SideProcess


class Revoker(SideProcess):
    def __init__(self, stack, directory):
        super().__init__(stack, directory, "revoke", {
            "NOVATUNE_REVOKE_POLL": "200ms",
            "NOVATUNE_DATABASE_URL": stack["REVOKER_DATABASE_URL"], "NOVATUNE_S3_ENDPOINT": stack["S3_ENDPOINT"],
            "NOVATUNE_S3_REGION": stack["S3_REGION"], "NOVATUNE_S3_BUCKET": stack["S3_BUCKET"],
            "NOVATUNE_S3_ACCESS_KEY_ID": stack["REVOKE_S3_ACCESS_KEY_ID"],
            "NOVATUNE_S3_SECRET_ACCESS_KEY": stack["REVOKE_S3_SECRET_ACCESS_KEY"],
            "NOVATUNE_S3_TIMEOUT": "2s",
        })
