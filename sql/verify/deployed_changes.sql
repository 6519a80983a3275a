-- Verify novatune:deployed_changes on pg

begin;

select 1 / has_schema_privilege('novatune_responder', :'registry', 'usage')::int;
select 1 / has_column_privilege('novatune_responder', format('%I.changes', :'registry'), name, 'select')::int
  from unnest('{change,project,committed_at}'::text[]) as name;

rollback;
