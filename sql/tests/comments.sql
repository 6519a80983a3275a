begin;
\ir shared/setup.sql

select plan(1);

-- Extensions (pgTAP, for one) may live in any schema: their members are theirs to comment.
select is_empty(
    $$with things (classid, objid, objsubid) as (
          select 'pg_namespace'::regclass, oid, 0 from pg_namespace where nspname = 'novatune'
          union all
          select 'pg_class'::regclass, oid, 0 from pg_class
           where relnamespace = 'novatune'::regnamespace
             and not exists (select from pg_constraint where conindid = pg_class.oid and contype in ('p', 'u'))
          union all
          select 'pg_class'::regclass, attrelid, attnum from pg_attribute
            join pg_class on pg_class.oid = attrelid
           where relnamespace = 'novatune'::regnamespace and relkind in ('r', 'v', 'm', 'p')
             and attnum > 0 and not attisdropped
          union all
          select 'pg_type'::regclass, oid, 0 from pg_type
           where typnamespace = 'novatune'::regnamespace and typtype in ('d', 'e')
          union all
          select 'pg_proc'::regclass, oid, 0 from pg_proc where pronamespace = 'novatune'::regnamespace
          union all
          select 'pg_trigger'::regclass, pg_trigger.oid, 0 from pg_trigger
            join pg_class on pg_class.oid = tgrelid
           where relnamespace = 'novatune'::regnamespace and not tgisinternal
      )
      select pg_describe_object(classid, objid, objsubid)
        from things
       where not exists (
             select from pg_depend d
              where (d.classid, d.objid) = (things.classid, things.objid) and d.deptype = 'e')
         and not exists (
             select from pg_description d
              where (d.classoid, d.objoid, d.objsubid) = (things.classid, things.objid, things.objsubid))$$,
    'every object of the schema has a comment');

select * from finish();
rollback;
