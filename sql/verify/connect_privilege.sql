-- Verify novatune:connect_privilege on pg

begin;

-- Where public may still connect, the deployer got a notice that says what to run.
do $$
begin
    assert (
        select bool_and(has_database_privilege(role, current_database(), 'connect'))
          from unnest('{novatune_owner,novatune_dba,novatune_reader,novatune_responder}'::text[]) as role
    ), 'a role of NovaTune may not connect';
end
$$;

rollback;
