-- Revert novatune:track_transitions from pg

begin;

drop trigger tracks_check_transition on novatune.tracks;
drop function novatune.check_track_transition();

commit;
