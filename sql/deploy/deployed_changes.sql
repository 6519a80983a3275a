-- Deploy novatune:deployed_changes to pg
-- requires: responder_role

begin;

-- The responder's own queries name no table of sqitch: only sqitch waits, for an instant.
set local lock_timeout = '2s';

-- Which changes are deployed, and since when. Not who deployed them, nor their notes.
grant usage on schema :"registry" to novatune_responder;
grant select (change, project, committed_at) on :"registry".changes to novatune_responder;

commit;
