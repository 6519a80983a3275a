-- Verify novatune:ownership on pg

begin;

-- Where it could not be handed over, all of it still has one owner.
do $$
begin
    assert not exists (
        select
          from pg_catalog.pg_class
         where relnamespace = 'novatune'::regnamespace
           and relowner <> (select nspowner from pg_catalog.pg_namespace where nspname = 'novatune')
    ), 'the tables of the schema have another owner than the schema';
end
$$;

rollback;
