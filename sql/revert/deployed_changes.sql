-- Revert novatune:deployed_changes from pg

begin;

set local lock_timeout = '2s';

revoke select (change, project, committed_at) on :"registry".changes from novatune_responder;
revoke usage on schema :"registry" from novatune_responder;

commit;
