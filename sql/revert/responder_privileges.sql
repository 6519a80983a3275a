-- Revert novatune:responder_privileges from pg

begin;

-- Revoking a table's privilege also revokes it on each of its columns.
revoke select on novatune.track_grants, novatune.tracks, novatune.users from novatune_responder;
revoke usage on schema novatune from novatune_responder;

commit;
