-- Revert novatune:schema from pg

begin;

-- No cascade: what others have put into the schema stops the revert.
drop schema novatune;

commit;
