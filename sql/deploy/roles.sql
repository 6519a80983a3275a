-- Deploy novatune:roles to pg

begin;

-- Roles belong to the cluster: another database may have made them already,
-- or a DBA where the deployer may not. Then they stay as they are.
do $$
declare
    role record;
begin
    for role in
        select *
          from (values
            ('novatune_owner',  'NovaTune Stream: owns the schema; migrations run as it.'),
            ('novatune_dba',    'NovaTune Stream: manages users, tracks and grants. People log in as themselves and are members.'),
            ('novatune_reader', 'NovaTune Stream: support, sees statuses and counts. People log in as themselves and are members.')
          ) as wanted (name, meaning)
    loop
        begin
            if not exists (select from pg_catalog.pg_roles where rolname = role.name) then
                execute format('create role %I nologin', role.name);
                execute format('comment on role %I is %L', role.name, role.meaning);
            end if;
        exception
            -- Made by another deployment between the look and the creation.
            when duplicate_object or unique_violation then null;
        end;
    end loop;
end
$$;

commit;
