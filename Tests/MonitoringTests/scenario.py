"""A little of everything that the service answers."""

from harness.ulids import ulid
from harness.wire import fetch


class Scenario:
    def __init__(self, stack, api, mint):
        self._stack, self._api, self._mint = stack, api, mint

    def once(self):
        """Statuses by what was asked, by a user whose allowance is whole."""
        user, ready, processing = ulid(), ulid(), ulid()
        self._stack.sql(
            f"""
            insert into novatune.users (user_id, status) values ('{user}', 'Active');
            insert into novatune.tracks (track_id, user_id, title, object_key, mime_type, file_size_bytes, status)
            select new.track_id, '{user}', title, object_key, mime_type, file_size_bytes, new.status
            from novatune.tracks,
                (values ('{ready}', 'Ready'::novatune.track_status), ('{processing}', 'Processing'))
                    as new (track_id, status)
            where tracks.track_id = '{self._stack['TRACK_READY']}'
            """)
        token, expired = self._mint.hs256(user), self._mint.hs256(user, exp=1)
        asked = {
            "miss": (ready, token), "hit": (ready, token), "not a ULID": ("x", token), "missing": (ulid(), token),
            "not ready": (processing, token), "another's": (self._stack["TRACK_BOB"], token), "no token": (ready, None),
            "expired": (ready, expired),
        }
        # As a store asks; this question is none.
        fetch(self._stack["AUTHORIZE_URL"], {"X-Auth-Token": self._stack["AUTHORIZE_TOKEN"]}, method="POST", body=b"{}")
        statuses = {what: self._api.stream(track, token).status for what, (track, token) in asked.items()}
        # An object of its own, which the store need not have: the demo's track must stay.
        self._stack.sql(
            f"""
            update novatune.tracks set object_key = object_key || '.{ready}' where track_id = '{ready}';
            update novatune.tracks set status = 'Deleted' where track_id = '{ready}'
            """)
        return statuses

    def exceed_an_allowance(self):
        """A user asks until it is 429; the last status."""
        token, status = self._mint.hs256(ulid()), None
        for _ in range(1000):
            status = self._api.stream(self._stack["TRACK_READY"], token).status
            if status == 429:
                break
        return status
