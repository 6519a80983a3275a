-- Deploy novatune:responder_role to pg

begin;

-- A role belongs to the cluster: another database may have made it already,
-- or a DBA where the deployer may not. Then it stays as it is.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'novatune_responder') then
        create role novatune_responder login;
        comment on role novatune_responder is
            'NovaTune Stream''s responder: may read what one query needs, nothing else.';
    end if;
exception
    -- Made by another deployment between the look and the creation.
    when duplicate_object or unique_violation then null;
end
$$;

commit;
